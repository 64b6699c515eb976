/** What has been done, to be undone in reverse: all of it, whatever fails on the way. */
export class UndoStack {
  readonly #steps: { readonly what: string; readonly run: () => Promise<void> | void }[] = [];
  readonly #onFailure: (what: string, error: unknown) => void;

  constructor(onFailure: (what: string, error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  push(what: string, run: () => Promise<void> | void): void {
    this.#steps.push({ what, run });
  }

  async undoAll(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.run();
      } catch (error) {
        this.#onFailure(step.what, error);
      }
    }
  }
}
