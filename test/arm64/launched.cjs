// Loaded into an emulated Node: what it starts as `process.execPath` must go through the emulator too, which the kernel does not know of.
process.execPath = process.env.PQTUN_LAUNCHER;
