/* What counter.c takes for a mark: the process number of a getpriority() that is meant for it. No process has it (kernel: PID_MAX_LIMIT is 2^22). */
#define MARK 0x70717471
