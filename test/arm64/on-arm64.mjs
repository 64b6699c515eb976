// Set-up of every test file: a run that was not on arm64 would prove nothing.
if (process.arch !== 'arm64') throw new Error(`this worker runs on ${process.arch}, not on arm64`);
