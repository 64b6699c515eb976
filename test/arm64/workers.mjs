// Loaded into vitest's main process, which stays this machine's: its workers, where the tests run, are started by this Node instead.
process.execPath = process.env.PQTUN_WORKER_NODE;
