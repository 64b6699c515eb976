/*
 * Plugin of qemu-user: counts the instructions of the emulated program, and writes the count down where the program marks a place.
 *
 * A place is marked by getpriority(…, MARK), a system call that does nothing: each adds a line, the count of its thread so far, to the
 * file of the argument `out`. An instruction is counted once each time it is executed, one with a repeat prefix (x64) once each turn.
 * The kernel's instructions are not among them: an emulator of user mode does not see them.
 *
 * Debian ships no qemu-plugin.h; what is used of it is declared here, the same from QEMU 4.2 on (docs/devel/tcg-plugins.rst).
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "mark.h"

#define EXPORT __attribute__((visibility("default")))
#define MOST_THREADS 4096

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
typedef void (*translated_cb)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*executed_cb)(unsigned, void *);
typedef void (*syscall_cb)(qemu_plugin_id_t, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                           uint64_t, uint64_t);
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated_cb callback);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, executed_cb callback, int flags, void *data);
extern void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t id, syscall_cb callback);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);

/* An emulator takes plugins of some versions of its interface; what is used here is the same in all. */
#ifndef INTERFACE_VERSION
#define INTERFACE_VERSION 1
#endif
EXPORT int qemu_plugin_version = INTERFACE_VERSION;

/* By thread, so that none needs to wait for another. */
static uint64_t counts[MOST_THREADS];
static FILE *out;

static void executed(unsigned thread, void *instructions) { counts[thread % MOST_THREADS] += (uintptr_t)instructions; }

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_cb(block, executed, 0, (void *)(uintptr_t)qemu_plugin_tb_n_insns(block));
}

static void called(qemu_plugin_id_t id, unsigned thread, int64_t number, uint64_t first, uint64_t second, uint64_t third,
                   uint64_t fourth, uint64_t fifth, uint64_t sixth, uint64_t seventh, uint64_t eighth) {
  (void)id, (void)number, (void)first, (void)third, (void)fourth, (void)fifth, (void)sixth, (void)seventh, (void)eighth;
  if (second == MARK) fprintf(out, "%" PRIu64 "\n", counts[thread % MOST_THREADS]);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *information, int count, char **arguments) {
  (void)information;
  for (int i = 0; i < count; i++) {
    if (strncmp(arguments[i], "out=", 4) == 0) out = fopen(arguments[i] + 4, "w");
  }
  if (out == NULL) return -1;
  setvbuf(out, NULL, _IOLBF, 0); /* a program that is killed has said what it had to say */
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_vcpu_syscall_cb(id, called);
  return 0;
}
