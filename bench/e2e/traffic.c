/*
 * The two ends of what is measured, and one switch of the cable. Built with cc at run time.
 *
 *   traffic tcp-sink ADDRESS PORT [all]             takes any number of streams, counts and compares what comes (`all`: every byte)
 *   traffic tcp-source ADDRESS PORT STREAMS         fills so many streams (CUBIC, sendfile)
 *   traffic udp-sink ADDRESS PORT SIZE              counts datagrams by their numbers, compares every byte
 *   traffic udp-source ADDRESS PORT SIZE RATE       numbered datagrams at RATE a second, 0: as fast as it goes
 *   traffic echo ADDRESS PORT                       answers every datagram
 *   traffic pings ADDRESS PORT INTERVAL             a datagram every INTERVAL µs whatever became of the one before: round trips
 *   traffic offload INTERFACE FEATURE [on|off]      shows a feature as ethtool -k does, after it changed it; ends at once
 *
 * Each but the last goes on until its input ends, at most MOST_SECONDS. `report` on a line of input prints the counters as one
 * line of JSON; the end prints them once more. Sends to addresses of the bench's own alone: 10.88.0.0/16 and 192.0.2.0/24.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  MOST_SECONDS = 900,
  MOST_STREAMS = 64,
  PATTERN = 1 << 20,
  BATCH = 64,
  DATAGRAM = 1472,
  BUFFER = 8 << 20,
  WINDOW = 1 << 16,
  MOST_PINGS = 1 << 18,
  PING_SIZE = 64,
  /* How long a report waits for answers that are on their way */
  LINGER_NS = 500000000
};

static void fail(const char *what) {
  fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void refuse(const char *why) {
  fprintf(stderr, "traffic: %s\n", why);
  exit(2);
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int is_over(uint64_t begin) { return now_ns() - begin > (uint64_t)MOST_SECONDS * 1000000000u; }

/* What was said on standard input since the last call: nothing, "report" (1), or the end (2). */
static int told(void) {
  static char line[256];
  static size_t filled;
  struct pollfd input = {0, POLLIN, 0};
  while (poll(&input, 1, 0) > 0) {
    ssize_t got = read(0, line + filled, sizeof line - 1 - filled);
    if (got <= 0) return 2;
    filled += (size_t)got;
    char *end = memchr(line, '\n', filled);
    if (end == NULL) {
      if (filled == sizeof line - 1) filled = 0;
      continue;
    }
    *end = 0;
    int report = strcmp(line, "report") == 0;
    filled -= (size_t)(end + 1 - line);
    memmove(line, end + 1, filled);
    if (report) return 1;
  }
  return 0;
}

static void ready(void) {
  puts("ready");
  fflush(stdout);
}

static struct sockaddr_in address(const char *text, const char *port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  if (inet_pton(AF_INET, text, &to.sin_addr) != 1 || to.sin_port == 0) refuse("not an IPv4 address and a port");
  uint32_t ip = ntohl(to.sin_addr.s_addr);
  if (ip >> 16 != 0x0a58 && ip >> 8 != 0xc00002) refuse("talks within 10.88.0.0/16 and 192.0.2.0/24 alone");
  return to;
}

static void buffers(int fd) {
  int size = BUFFER;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

/* Byte p of a stream is pattern[p mod PATTERN]; a datagram is its number and then the pattern from its begin. Incompressible. */
static uint8_t *make_pattern(int *file) {
  int fd = memfd_create("pattern", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, PATTERN) < 0) fail("memfd");
  uint8_t *pattern = mmap(NULL, PATTERN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (pattern == MAP_FAILED) fail("mmap");
  uint64_t x = 0x9e3779b97f4a7c15u;
  for (size_t i = 0; i < PATTERN; i += 8) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    memcpy(pattern + i, &x, 8);
  }
  *file = fd;
  return pattern;
}

static int tcp_socket(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) fail("socket");
  if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5) < 0) fail("TCP_CONGESTION cubic");
  return fd;
}

static int tcp_sink(int argc, char **argv) {
  if (argc < 2) refuse("tcp-sink ADDRESS PORT [all]");
  int everything = argc > 2 && strcmp(argv[2], "all") == 0;
  struct sockaddr_in at = address(argv[0], argv[1]);
  int file, on = 1, listener = tcp_socket();
  const uint8_t *pattern = make_pattern(&file);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) < 0 || listen(listener, MOST_STREAMS) < 0) fail("listen");
  static uint8_t bytes[PATTERN / 2];
  struct pollfd waits[2 + MOST_STREAMS] = {{0, POLLIN, 0}, {listener, POLLIN, 0}};
  uint64_t positions[2 + MOST_STREAMS] = {0}, total = 0, wrong = 0, begin = now_ns();
  unsigned count = 2;
  ready();
  for (;;) {
    poll(waits, count, 1000);
    if (waits[1].revents != 0 && count < 2 + MOST_STREAMS) {
      int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
      if (fd >= 0) positions[count] = 0, waits[count++] = (struct pollfd){fd, POLLIN, 0};
    }
    for (unsigned i = 2; i < count; i++) {
      if (waits[i].revents == 0) continue;
      ssize_t got = recv(waits[i].fd, bytes, sizeof bytes, 0);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (got <= 0) {
        close(waits[i].fd);
        count--;
        waits[i] = waits[count], positions[i] = positions[count];
        i--;
        continue;
      }
      size_t compared = everything ? (size_t)got : (size_t)got < 64 ? (size_t)got : 64;
      for (size_t done = 0; done < compared;) {
        size_t from = (positions[i] + done) % PATTERN;
        size_t part = PATTERN - from < compared - done ? PATTERN - from : compared - done;
        wrong += memcmp(bytes + done, pattern + from, part) != 0;
        done += part;
      }
      positions[i] += (uint64_t)got, total += (uint64_t)got;
    }
    int what = waits[0].revents != 0 ? told() : 0;
    if (what != 0) {
      printf("{\"at\":%.9f,\"bytes\":%llu,\"wrong\":%llu,\"streams\":%u}\n", (double)now_ns() / 1e9,
             (unsigned long long)total, (unsigned long long)wrong, count - 2);
      fflush(stdout);
    }
    if (what == 2 || is_over(begin)) return 0;
  }
}

static int tcp_source(int argc, char **argv) {
  if (argc < 3) refuse("tcp-source ADDRESS PORT STREAMS");
  struct sockaddr_in to = address(argv[0], argv[1]);
  int streams = atoi(argv[2]), file;
  if (streams < 1 || streams > MOST_STREAMS) refuse("tcp-source: so many streams are not meant");
  make_pattern(&file);
  struct pollfd waits[1 + MOST_STREAMS] = {{0, POLLIN, 0}};
  off_t positions[1 + MOST_STREAMS] = {0};
  for (int i = 1; i <= streams; i++) {
    int fd = tcp_socket();
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0) fail("connect");
    if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0) fail("O_NONBLOCK");
    waits[i] = (struct pollfd){fd, POLLOUT, 0};
  }
  uint64_t total = 0, begin = now_ns();
  ready();
  for (;;) {
    poll(waits, (nfds_t)streams + 1, 1000);
    for (int i = 1; i <= streams; i++) {
      if (waits[i].revents == 0) continue;
      if (positions[i] == PATTERN) positions[i] = 0;
      ssize_t sent = sendfile(waits[i].fd, file, &positions[i], (size_t)(PATTERN - positions[i]));
      if (sent > 0) total += (uint64_t)sent;
      else if (sent < 0 && errno != EAGAIN && errno != EINTR) fail("sendfile");
    }
    int what = waits[0].revents != 0 ? told() : 0;
    if (what != 0) {
      printf("{\"at\":%.9f,\"bytes\":%llu}\n", (double)now_ns() / 1e9, (unsigned long long)total);
      fflush(stdout);
    }
    if (what == 2 || is_over(begin)) return 0;
  }
}

static size_t datagram_size(const char *text) {
  int size = atoi(text);
  if (size < 16 || size > DATAGRAM) refuse("a datagram has 16 to 1472 B");
  return (size_t)size;
}

static int udp_sink(int argc, char **argv) {
  if (argc < 3) refuse("udp-sink ADDRESS PORT SIZE");
  struct sockaddr_in at = address(argv[0], argv[1]);
  size_t size = datagram_size(argv[2]);
  int file, fd = socket(AF_INET, SOCK_DGRAM, 0);
  const uint8_t *pattern = make_pattern(&file);
  if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0) fail("bind");
  buffers(fd);
  static uint8_t bytes[BATCH][2048], seen[WINDOW];
  static struct mmsghdr messages[BATCH];
  static struct iovec vectors[BATCH];
  for (unsigned i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){bytes[i], sizeof bytes[i]};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
  }
  uint64_t packets = 0, wrong = 0, repeated = 0, next = 0, begin = now_ns();
  ready();
  for (;;) {
    struct pollfd waits[2] = {{fd, POLLIN, 0}, {0, POLLIN, 0}};
    poll(waits, 2, 1000);
    int got = waits[0].revents != 0 ? recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL) : 0;
    for (int i = 0; i < got; i++) {
      uint64_t number;
      memcpy(&number, bytes[i], 8);
      if (messages[i].msg_len != size || memcmp(bytes[i] + 8, pattern, size - 8) != 0) {
        wrong++;
        continue;
      }
      if (number >= next) { /* forgets what falls out of the window, at most all of it */
        uint64_t first = number - next >= WINDOW ? number - WINDOW + 1 : next;
        for (uint64_t n = first; n <= number; n++) seen[n % WINDOW] = 0;
        next = number + 1;
      }
      if (next - number > WINDOW || seen[number % WINDOW]) {
        repeated++; /* or later than the window is long: either way it is not counted twice */
        continue;
      }
      seen[number % WINDOW] = 1;
      packets++;
    }
    int what = waits[1].revents != 0 ? told() : 0;
    if (what != 0) {
      printf("{\"at\":%.9f,\"packets\":%llu,\"wrong\":%llu,\"repeated\":%llu,\"next\":%llu}\n", (double)now_ns() / 1e9,
             (unsigned long long)packets, (unsigned long long)wrong, (unsigned long long)repeated, (unsigned long long)next);
      fflush(stdout);
    }
    if (what == 2 || is_over(begin)) return 0;
  }
}

static int udp_source(int argc, char **argv) {
  if (argc < 4) refuse("udp-source ADDRESS PORT SIZE RATE");
  struct sockaddr_in to = address(argv[0], argv[1]);
  size_t size = datagram_size(argv[2]);
  double rate = atof(argv[3]);
  int file, fd = socket(AF_INET, SOCK_DGRAM, 0);
  const uint8_t *pattern = make_pattern(&file);
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0) fail("connect");
  static uint8_t bytes[BATCH][DATAGRAM];
  static struct mmsghdr messages[BATCH];
  static struct iovec vectors[BATCH];
  for (unsigned i = 0; i < BATCH; i++) {
    memcpy(bytes[i] + 8, pattern, size - 8);
    vectors[i] = (struct iovec){bytes[i], size};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
  }
  uint64_t number = 0, refused = 0, begin = now_ns();
  ready();
  for (;;) {
    if (rate > 0 && (double)number >= (double)(now_ns() - begin) / 1e9 * rate) usleep(1000);
    else {
      for (uint64_t i = 0; i < BATCH; i++) {
        uint64_t own = number + i;
        memcpy(bytes[i], &own, 8);
      }
      int sent = sendmmsg(fd, messages, BATCH, 0);
      /* a datagram that was refused (full queue, nobody listens yet) keeps its number: it counts as lost */
      if (sent <= 0) refused++, sent = 1;
      number += (uint64_t)sent;
    }
    int what = told();
    if (what != 0) {
      printf("{\"at\":%.9f,\"packets\":%llu,\"refused\":%llu}\n", (double)now_ns() / 1e9, (unsigned long long)number,
             (unsigned long long)refused);
      fflush(stdout);
    }
    if (what == 2 || is_over(begin)) return 0;
  }
}

static int echo(int argc, char **argv) {
  if (argc < 2) refuse("echo ADDRESS PORT");
  struct sockaddr_in at = address(argv[0], argv[1]);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0) fail("bind");
  uint64_t answered = 0, begin = now_ns();
  ready();
  for (;;) {
    struct pollfd waits[2] = {{fd, POLLIN, 0}, {0, POLLIN, 0}};
    poll(waits, 2, 1000);
    uint8_t bytes[2048];
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    ssize_t got = waits[0].revents == 0 ? -1 : recvfrom(fd, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&from, &length);
    if (got >= 0 && sendto(fd, bytes, (size_t)got, 0, (struct sockaddr *)&from, length) == got) answered++;
    int what = waits[1].revents != 0 ? told() : 0;
    if (what != 0) {
      printf("{\"answered\":%llu}\n", (unsigned long long)answered);
      fflush(stdout);
    }
    if (what == 2 || is_over(begin)) return 0;
  }
}

static int by_size(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static double share_ms(const uint64_t *sorted, size_t count, double share) {
  if (count == 0) return -1;
  size_t rank = (size_t)(share * (double)count);
  return (double)sorted[rank < count ? rank : count - 1] / 1e6;
}

/* Open loop: what is late does not keep the next from being sent, so that slow answers are not asked for less often. */
static int pings(int argc, char **argv) {
  if (argc < 3) refuse("pings ADDRESS PORT INTERVAL");
  struct sockaddr_in to = address(argv[0], argv[1]);
  uint64_t interval = strtoull(argv[2], NULL, 10) * 1000;
  if (interval < 100000) refuse("pings: 100 µs apart at least");
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0) fail("connect");
  buffers(fd);
  static uint64_t trips[MOST_PINGS], sent_at[MOST_PINGS];
  size_t answered = 0;
  uint64_t number = 0, first = 0, begin = now_ns(), next = begin, report_at = 0;
  int what = 0;
  ready();
  for (;;) {
    uint64_t now = now_ns();
    if (what == 0 && now >= next) {
      uint8_t bytes[PING_SIZE] = {0};
      memcpy(bytes, &number, 8);
      sent_at[number % MOST_PINGS] = now;
      if (send(fd, bytes, sizeof bytes, MSG_DONTWAIT) < 0 && errno != EAGAIN && errno != ECONNREFUSED && errno != ENOBUFS) fail("send");
      number++;
      next += interval;
      if (next < now) next = now;
      continue;
    }
    uint64_t until = what == 0 ? next : report_at;
    struct timespec wait = {0, until > now ? (long)(until - now < 100000000 ? until - now : 100000000) : 0};
    struct pollfd waits[2] = {{fd, POLLIN, 0}, {what == 0 ? 0 : -1, POLLIN, 0}};
    ppoll(waits, 2, &wait, NULL);
    uint8_t bytes[2048];
    while (waits[0].revents != 0 && recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) == PING_SIZE) {
      uint64_t own;
      memcpy(&own, bytes, 8);
      uint64_t *at = &sent_at[own % MOST_PINGS];
      if (own < first || own >= number || *at == 0) continue; /* of an earlier window, or answered twice */
      if (answered < MOST_PINGS) trips[answered++] = now_ns() - *at;
      *at = 0;
    }
    if (what == 0 && waits[1].revents != 0) what = told(), report_at = now_ns() + LINGER_NS;
    if (what != 0 && (answered == number - first || now_ns() >= report_at)) {
      qsort(trips, answered, sizeof *trips, by_size);
      printf("{\"sent\":%llu,\"answered\":%zu,\"p50\":%.6f,\"p99\":%.6f,\"most\":%.6f}\n", (unsigned long long)(number - first),
             answered, share_ms(trips, answered, 0.5), share_ms(trips, answered, 0.99), share_ms(trips, answered, 1));
      fflush(stdout);
      if (what == 2) return 0;
      what = 0, answered = 0, first = number, next = now_ns();
    }
    if (is_over(begin)) return 0;
  }
}

static void ask_driver(int fd, const char *interface, void *request) {
  struct ifreq name = {.ifr_data = request};
  strncpy(name.ifr_name, interface, IFNAMSIZ - 1);
  if (ioctl(fd, SIOCETHTOOL, &name) < 0) fail(interface);
}

static int offload(int argc, char **argv) {
  if (argc < 2) refuse("offload INTERFACE FEATURE [on|off]");
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct {
    struct ethtool_sset_info head;
    uint32_t count;
  } set = {.head = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ull << ETH_SS_FEATURES}};
  ask_driver(fd, argv[0], &set);
  uint32_t count = set.count, blocks = (count + 31) / 32;
  struct ethtool_gstrings *names = calloc(1, sizeof *names + (size_t)count * ETH_GSTRING_LEN);
  struct ethtool_gfeatures *now = calloc(1, sizeof *now + blocks * sizeof now->features[0]);
  struct ethtool_sfeatures *change = calloc(1, sizeof *change + blocks * sizeof change->features[0]);
  if (names == NULL || now == NULL || change == NULL) fail("memory");
  *names = (struct ethtool_gstrings){.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_FEATURES, .len = count};
  ask_driver(fd, argv[0], names);
  uint32_t bit = 0;
  while (bit < count && strncmp((char *)names->data + (size_t)bit * ETH_GSTRING_LEN, argv[1], ETH_GSTRING_LEN) != 0) bit++;
  if (bit == count) refuse("offload: this interface knows no such feature");
  if (argc > 2) {
    *change = (struct ethtool_sfeatures){.cmd = ETHTOOL_SFEATURES, .size = blocks};
    change->features[bit / 32].valid = 1u << bit % 32;
    if (strcmp(argv[2], "on") == 0) change->features[bit / 32].requested = 1u << bit % 32;
    ask_driver(fd, argv[0], change);
  }
  *now = (struct ethtool_gfeatures){.cmd = ETHTOOL_GFEATURES, .size = blocks};
  ask_driver(fd, argv[0], now);
  printf("{\"on\":%s}\n", (now->features[bit / 32].active >> bit % 32 & 1) != 0 ? "true" : "false");
  return 0;
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    int (*run)(int, char **);
  } acts[] = {{"tcp-sink", tcp_sink}, {"tcp-source", tcp_source}, {"udp-sink", udp_sink}, {"udp-source", udp_source},
              {"echo", echo},         {"pings", pings},           {"offload", offload}};
  for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
    if (argc > 1 && strcmp(argv[1], acts[i].name) == 0) return acts[i].run(argc - 2, argv + 2);
  refuse("see the head of traffic.c");
}
