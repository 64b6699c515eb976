/** Something an agent does until it is told to end: one end of a measurement. */
export interface Running<Report> {
  report(): Report | Promise<Report>;
  /** Ends it; the last report. */
  finish(): Report | Promise<Report>;
}
