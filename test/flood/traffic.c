/*
 * The cheap end of the flood run: what must cost next to nothing beside the daemons under test. Built with cc at run time.
 *
 *   traffic flood SHOTS DST4 DST6 PORT RATE PORT_STEP [ANSWERS]   fires prepared datagrams from forged addresses at RATE a second
 *   traffic source DST PORT BITS_PER_SECOND SIZE                  plain UDP at an even pace: an honest user
 *   traffic sink ADDRESS PORT                                     counts what honest users get through, by address
 *   traffic watch INTERFACE PORT [INITIATIONS]                    counts handshake bytes on a cable, keeps type 0x11 seen leaving
 *
 * Each goes on until its input ends, at most MOST_SECONDS. `report` on a line of input prints the counters as one line of JSON;
 * the end prints them once more. Needs CAP_NET_RAW (flood, watch), and to run in a namespace of the flood run's own: flood
 * refuses where its destination is not a test address (198.51.100.0/24 of RFC 5737, 2001:db8::/32 of RFC 3849).
 *
 * Measured at most: 47,000 to 54,000 datagrams a second of 1230 B, on one EPYC core that four gateways and their users share, the
 * receiver's softirq included. What it was not able to send is not owed: the rate that was reached is reported.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MOST_SECONDS = 3600, BATCH = 64, TICK_NS = 1000000, BUFFER = 8 << 20, KEPT_LENGTH = 1500, MOST_KEPT = 65536 };

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

static void sleep_until(uint64_t at) {
  struct timespec t = {(time_t)(at / 1000000000u), (long)(at % 1000000000u)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static double seconds_since(uint64_t begin) { return (double)(now_ns() - begin) / 1e9; }

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

static void buffers(int fd) {
  int size = BUFFER;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0)
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

/* Even pace: how many are due now. A debt of more than 20 ms is forgiven, so that a stalled machine makes no burst of it. */
struct pace {
  uint64_t begin;
  double per_ns, taken;
};

static unsigned due(struct pace *pace, uint64_t now) {
  double owed = (double)(now - pace->begin) * pace->per_ns - pace->taken;
  double most = 20e6 * pace->per_ns + 1;
  if (owed > most) {
    pace->taken += owed - most;
    owed = most;
  }
  if (owed < 1) return 0;
  unsigned whole = (unsigned)owed;
  pace->taken += whole;
  return whole;
}

/* Addresses and what went each way, by IP address: open addressing, filled before the run, so that it never grows. */
struct book {
  uint8_t family, ip[16];
  uint64_t sent, answered;
};
static struct book *books;
static size_t book_slots;

static struct book *book_of(uint8_t family, const uint8_t *ip, int make) {
  uint64_t hash = 1469598103934665603u;
  size_t length = family == 4 ? 4 : 16;
  for (size_t i = 0; i < length; i++) hash = (hash ^ ip[i]) * 1099511628211u;
  for (size_t at = hash % book_slots, tries = 0; tries < book_slots; at = (at + 1) % book_slots, tries++) {
    struct book *book = &books[at];
    if (book->family == 0) {
      if (!make) return NULL;
      book->family = family;
      memcpy(book->ip, ip, length);
      return book;
    }
    if (book->family == family && memcmp(book->ip, ip, length) == 0) return book;
  }
  return NULL;
}

/*
 * SHOTS: `PQSH`, LE32 payloads, LE32 shots; each payload LE16 length ‖ bytes; each shot family(1) 0(1) LE16 source port,
 * LE32 payload, address(16). Little-endian machines only, as everything here.
 */
struct shot {
  uint8_t family;
  uint16_t port;
  const uint8_t *payload;
  uint16_t length;
  struct book *book;
  uint8_t header[48];
  uint32_t sum; /* of the UDP checksum, without the source port (IPv6) */
};

static uint32_t sum16(uint32_t sum, const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i + 1 < length; i += 2) sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
  if (length & 1) sum += (uint32_t)(bytes[length - 1] << 8);
  return (sum & 0xffff) + (sum >> 16);
}

static uint8_t *whole_file(const char *path, size_t *length) {
  int fd = open(path, O_RDONLY);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) < 0) fail(path);
  uint8_t *bytes = malloc((size_t)info.st_size + 1);
  if (bytes == NULL) fail("memory");
  size_t got = 0;
  while (got < (size_t)info.st_size) {
    ssize_t n = read(fd, bytes + got, (size_t)info.st_size - got);
    if (n <= 0) fail(path);
    got += (size_t)n;
  }
  close(fd);
  *length = got;
  return bytes;
}

static uint32_t le32(const uint8_t *at) { return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24; }

static void build(struct shot *shot, const uint8_t *source, const uint8_t *to, uint16_t to_port) {
  uint8_t *ip = shot->header;
  uint16_t udp_length = (uint16_t)(shot->length + 8);
  uint8_t *udp = ip + (shot->family == 4 ? 20 : 40);
  udp[2] = (uint8_t)(to_port >> 8), udp[3] = (uint8_t)to_port;
  udp[4] = (uint8_t)(udp_length >> 8), udp[5] = (uint8_t)udp_length;
  if (shot->family == 4) {
    uint16_t total = (uint16_t)(udp_length + 20);
    ip[0] = 0x45, ip[2] = (uint8_t)(total >> 8), ip[3] = (uint8_t)total, ip[6] = 0x40, ip[8] = 64, ip[9] = 17;
    memcpy(ip + 12, source, 4), memcpy(ip + 16, to, 4); /* the kernel sums the header; UDP goes without a checksum */
    return;
  }
  ip[0] = 0x60, ip[4] = udp[4], ip[5] = udp[5], ip[6] = 17, ip[7] = 64;
  memcpy(ip + 8, source, 16), memcpy(ip + 24, to, 16);
  uint32_t sum = sum16(0, ip + 8, 32);
  sum = sum16(sum + 17 + udp_length, udp + 2, 4);
  shot->sum = sum16(sum, shot->payload, shot->length);
}

static void set_port(struct shot *shot, uint16_t port) {
  uint8_t *udp = shot->header + (shot->family == 4 ? 20 : 40);
  udp[0] = (uint8_t)(port >> 8), udp[1] = (uint8_t)port;
  if (shot->family == 4) return;
  uint32_t sum = shot->sum + port;
  sum = (sum & 0xffff) + (sum >> 16);
  uint16_t checksum = (uint16_t)~((sum & 0xffff) + (sum >> 16));
  if (checksum == 0) checksum = 0xffff;
  udp[6] = (uint8_t)(checksum >> 8), udp[7] = (uint8_t)checksum;
}

static struct shot *load(const char *path, size_t *count, const uint8_t *to4, const uint8_t *to6, uint16_t to_port) {
  size_t length;
  uint8_t *file = whole_file(path, &length);
  if (length < 12 || memcmp(file, "PQSH", 4) != 0) refuse("not a list of shots");
  uint32_t payload_count = le32(file + 4), shot_count = le32(file + 8);
  if (shot_count == 0 || payload_count > 1u << 20 || shot_count > 1u << 20) refuse("a list of too many shots, or none");
  const uint8_t **payloads = calloc(payload_count + 1, sizeof *payloads);
  size_t at = 12;
  for (uint32_t i = 0; i < payload_count; i++) {
    if (at + 2 > length) refuse("a list cut short");
    payloads[i] = file + at;
    at += 2u + (size_t)(file[at] | file[at + 1] << 8);
  }
  if (at + (size_t)shot_count * 24 != length) refuse("a list of another length than it says");
  struct shot *shots = calloc(shot_count, sizeof *shots);
  book_slots = (size_t)shot_count * 2 + 1;
  books = calloc(book_slots, sizeof *books);
  if (payloads == NULL || shots == NULL || books == NULL) fail("memory");
  for (uint32_t i = 0; i < shot_count; i++, at += 24) {
    uint32_t payload = le32(file + at + 4);
    if (payload >= payload_count) refuse("a shot without its payload");
    struct shot *shot = &shots[i];
    shot->family = file[at];
    shot->port = (uint16_t)(file[at + 2] | file[at + 3] << 8);
    shot->length = (uint16_t)(payloads[payload][0] | payloads[payload][1] << 8);
    shot->payload = payloads[payload] + 2;
    shot->book = book_of(shot->family, file + at + 8, 1);
    build(shot, file + at + 8, shot->family == 4 ? to4 : to6, to_port);
  }
  *count = shot_count;
  return shots;
}

static int packet_socket(const char *interface) {
  int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK, htons(ETH_P_ALL));
  if (fd < 0) fail("AF_PACKET");
  struct sockaddr_ll name = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
  name.sll_ifindex = (int)if_nametoindex(interface);
  if (name.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&name, sizeof name) < 0) fail(interface);
  buffers(fd);
  return fd;
}

struct seen {
  int outgoing;
  uint8_t family;
  const uint8_t *peer; /* the other end's address: destination of what comes in, source of what leaves */
  uint16_t peer_port;
  const uint8_t *payload;
  size_t kept; /* bytes of the payload in hand */
  size_t length;
};

/* The next UDP packet on the cable with `port` at the far end (coming in) or as its destination (leaving). */
static int next_seen(int fd, uint16_t port, struct seen *seen) {
  static uint8_t bytes[2048];
  for (int tries = 0; tries < 4096; tries++) {
    struct sockaddr_ll from;
    socklen_t size = sizeof from;
    ssize_t got = recvfrom(fd, bytes, sizeof bytes, MSG_TRUNC, (struct sockaddr *)&from, &size);
    if (got < 0) return 0;
    size_t kept = (size_t)got < sizeof bytes ? (size_t)got : sizeof bytes;
    size_t header = kept < 48 ? 0 : bytes[0] >> 4 == 4 ? (bytes[0] & 15) * 4u : bytes[0] >> 4 == 6 ? 40 : 0;
    if (header == 0 || (header == 40 ? bytes[6] : bytes[9]) != 17) continue;
    const uint8_t *udp = bytes + header;
    uint16_t source = (uint16_t)(udp[0] << 8 | udp[1]), to = (uint16_t)(udp[2] << 8 | udp[3]);
    seen->outgoing = from.sll_pkttype == PACKET_OUTGOING;
    if ((seen->outgoing ? to : source) != port) continue;
    seen->family = header == 40 ? 6 : 4;
    seen->peer = seen->outgoing ? bytes + (header == 40 ? 8 : 12) : bytes + (header == 40 ? 24 : 16);
    seen->peer_port = seen->outgoing ? source : to;
    seen->payload = udp + 8;
    seen->kept = kept - header - 8;
    seen->length = (size_t)(udp[4] << 8 | udp[5]) - 8;
    if (seen->kept > seen->length) seen->kept = seen->length;
    return 1;
  }
  return 0;
}

static unsigned long long missed_by(int fd) {
  static unsigned long long total;
  struct tpacket_stats stats;
  socklen_t size = sizeof stats;
  if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0) total += stats.tp_drops;
  return total;
}

/* What is kept for the other side of the run: family(1) 0(1) LE16 port, LE16 length, address(16), bytes. */
static void keep(FILE *file, const struct seen *seen) {
  static unsigned kept;
  if (file == NULL || kept++ >= MOST_KEPT || seen->kept != seen->length || seen->length > KEPT_LENGTH) return;
  uint8_t head[22] = {seen->family, 0, (uint8_t)seen->peer_port, (uint8_t)(seen->peer_port >> 8),
                      (uint8_t)seen->length, (uint8_t)(seen->length >> 8)};
  memcpy(head + 6, seen->peer, seen->family == 4 ? 4 : 16);
  fwrite(head, 1, sizeof head, file);
  fwrite(seen->payload, 1, seen->length, file);
}

struct flood_counters {
  uint64_t begin, sent, bytes, refused, answers, answer_bytes, cookies, responses;
};

static void report_flood(const struct flood_counters *c, unsigned long long missed) {
  double worst = 0;
  for (size_t i = 0; i < book_slots; i++) {
    if (books[i].answered == 0) continue;
    double ratio = books[i].sent == 0 ? 1e9 : (double)books[i].answered / (double)books[i].sent;
    if (ratio > worst) worst = ratio;
  }
  printf("{\"seconds\":%.3f,\"sent\":%llu,\"bytes\":%llu,\"refused\":%llu,\"answers\":%llu,\"answerBytes\":%llu,"
         "\"cookies\":%llu,\"responses\":%llu,\"worstRatio\":%.6f,\"missed\":%llu}\n",
         seconds_since(c->begin), (unsigned long long)c->sent, (unsigned long long)c->bytes,
         (unsigned long long)c->refused, (unsigned long long)c->answers, (unsigned long long)c->answer_bytes,
         (unsigned long long)c->cookies, (unsigned long long)c->responses, worst, missed);
  fflush(stdout);
}

/* Sends `count` shots of one family from `first` on; how many the kernel took. */
static unsigned fire(int fd, struct shot **shots, unsigned count, const struct sockaddr *to, socklen_t to_length) {
  static struct mmsghdr messages[BATCH];
  static struct iovec vectors[BATCH][2];
  for (unsigned i = 0; i < count; i++) {
    vectors[i][0] = (struct iovec){shots[i]->header, shots[i]->family == 4 ? 28 : 48};
    vectors[i][1] = (struct iovec){(void *)shots[i]->payload, shots[i]->length};
    messages[i].msg_hdr = (struct msghdr){.msg_name = (void *)to, .msg_namelen = to_length, .msg_iov = vectors[i], .msg_iovlen = 2};
  }
  unsigned done = 0;
  while (done < count) {
    int sent = sendmmsg(fd, messages + done, count - done, 0);
    if (sent > 0) done += (unsigned)sent;
    else if (errno != EINTR) break;
  }
  return done;
}

static int flood(int argc, char **argv) {
  if (argc < 6) refuse("flood SHOTS DST4 DST6 PORT RATE PORT_STEP [ANSWERS]");
  struct sockaddr_in to4 = {.sin_family = AF_INET};
  struct sockaddr_in6 to6 = {.sin6_family = AF_INET6};
  if (inet_pton(AF_INET, argv[1], &to4.sin_addr) != 1 || inet_pton(AF_INET6, argv[2], &to6.sin6_addr) != 1)
    refuse("flood: not an address");
  static const uint8_t test4[] = {198, 51, 100}, test6[] = {0x20, 0x01, 0x0d, 0xb8};
  if (memcmp(&to4.sin_addr, test4, 3) != 0 || memcmp(&to6.sin6_addr, test6, 4) != 0)
    refuse("flood: fires at test addresses only");
  uint16_t port = (uint16_t)atoi(argv[3]), step = (uint16_t)atoi(argv[5]);
  double rate = atof(argv[4]);
  if (port == 0 || !(rate > 0 && rate <= 1e6)) refuse("flood: a port, and at most 1,000,000 datagrams a second");
  size_t count;
  struct shot *shots = load(argv[0], &count, (uint8_t *)&to4.sin_addr, (uint8_t *)&to6.sin6_addr, port);
  FILE *answers = argc > 6 ? fopen(argv[6], "w") : NULL;
  int raw4 = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), raw6 = socket(AF_INET6, SOCK_RAW, IPPROTO_RAW);
  if (raw4 < 0 || raw6 < 0) fail("raw socket");
  buffers(raw4), buffers(raw6);
  int cable = packet_socket("eth0");
  /* only what comes in: our own shots would fill the buffer */
  int ignore = 1;
  setsockopt(cable, SOL_PACKET, PACKET_IGNORE_OUTGOING, &ignore, sizeof ignore);

  puts("ready");
  fflush(stdout);
  struct flood_counters c = {.begin = now_ns()};
  struct pace pace = {c.begin, rate / 1e9, 0};
  size_t at = 0;
  uint16_t round = 0;
  for (uint64_t tick = c.begin;; tick += TICK_NS) {
    uint64_t now = now_ns();
    if (tick < now) tick = now;
    for (unsigned left = due(&pace, now); left > 0;) {
      struct shot *batch[BATCH];
      unsigned filled = 0;
      uint8_t family = shots[at].family;
      while (filled < BATCH && filled < left && shots[at].family == family) {
        struct shot *shot = &shots[at];
        set_port(shot, (uint16_t)(shot->port + round * step));
        batch[filled++] = shot;
        if (++at == count) {
          at = 0, round++;
          break;
        }
      }
      unsigned sent = family == 4 ? fire(raw4, batch, filled, (struct sockaddr *)&to4, sizeof to4)
                                  : fire(raw6, batch, filled, (struct sockaddr *)&to6, sizeof to6);
      for (unsigned i = 0; i < sent; i++) c.bytes += batch[i]->length, batch[i]->book->sent += batch[i]->length;
      c.sent += sent, c.refused += filled - sent;
      left -= filled;
    }
    struct seen seen;
    while (next_seen(cable, port, &seen)) {
      c.answers++, c.answer_bytes += seen.length;
      if (seen.payload[0] == 3) c.cookies++;
      if (seen.payload[0] == 0x12) c.responses++;
      struct book *book = book_of(seen.family, seen.peer, 0);
      if (book != NULL) book->answered += seen.length;
      keep(answers, &seen);
    }
    int what = told();
    if (what != 0) {
      if (answers != NULL) fflush(answers);
      report_flood(&c, missed_by(cable));
    }
    if (what == 2 || seconds_since(c.begin) > MOST_SECONDS) return 0;
    sleep_until(tick + TICK_NS);
  }
}

static void any_address(const char *text, uint16_t port, struct sockaddr_storage *into, socklen_t *length) {
  memset(into, 0, sizeof *into);
  struct sockaddr_in *v4 = (struct sockaddr_in *)into;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)into;
  if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET, v4->sin_port = htons(port), *length = sizeof *v4;
  } else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6, v6->sin6_port = htons(port), *length = sizeof *v6;
  } else refuse("not an address");
}

static int source(int argc, char **argv) {
  if (argc < 4) refuse("source DST PORT BITS_PER_SECOND SIZE");
  struct sockaddr_storage to;
  socklen_t to_length;
  any_address(argv[0], (uint16_t)atoi(argv[1]), &to, &to_length);
  double bits = atof(argv[2]);
  size_t size = (size_t)atoi(argv[3]);
  if (!(bits > 0) || size < 16 || size > 1400) refuse("source: bits a second, and 16 to 1400 B");
  int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, to_length) < 0) fail("connect");
  static uint8_t bytes[1400];
  memset(bytes, 0x5a, sizeof bytes);
  puts("ready");
  fflush(stdout);
  uint64_t begin = now_ns();
  struct pace pace = {begin, bits / 8 / (double)size / 1e9, 0};
  unsigned long long sent = 0, refused = 0;
  for (uint64_t tick = begin;; tick += 2 * TICK_NS) {
    uint64_t now = now_ns();
    if (tick < now) tick = now;
    for (unsigned left = due(&pace, now); left > 0; left--) {
      if (send(fd, bytes, size, 0) == (ssize_t)size) sent++;
      else refused++; /* no route yet, or the TUN's queue is full */
    }
    int what = told();
    if (what != 0) {
      printf("{\"seconds\":%.3f,\"sent\":%llu,\"bytes\":%llu,\"refused\":%llu}\n", seconds_since(begin), sent,
             sent * size, refused);
      fflush(stdout);
    }
    if (what == 2 || seconds_since(begin) > MOST_SECONDS) return 0;
    sleep_until(tick + 2 * TICK_NS);
  }
}

static int sink(int argc, char **argv) {
  if (argc < 2) refuse("sink ADDRESS PORT");
  struct sockaddr_storage at;
  socklen_t at_length;
  any_address(argv[0], (uint16_t)atoi(argv[1]), &at, &at_length);
  int fd = socket(at.ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&at, at_length) < 0) fail("bind");
  buffers(fd);
  static uint8_t bytes[BATCH][2048];
  static struct mmsghdr messages[BATCH];
  static struct iovec vectors[BATCH];
  static struct sockaddr_in names[BATCH];
  static struct {
    struct in_addr ip;
    unsigned long long packets, bytes;
  } users[64];
  unsigned known = 0;
  puts("ready");
  fflush(stdout);
  uint64_t begin = now_ns();
  for (;;) {
    struct pollfd wait[2] = {{fd, POLLIN, 0}, {0, POLLIN, 0}};
    poll(wait, 2, 1000);
    if (wait[0].revents != 0) {
      for (unsigned i = 0; i < BATCH; i++) {
        vectors[i] = (struct iovec){bytes[i], sizeof bytes[i]};
        messages[i].msg_hdr = (struct msghdr){.msg_name = &names[i], .msg_namelen = sizeof names[i], .msg_iov = &vectors[i], .msg_iovlen = 1};
      }
      int got = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
      for (int i = 0; i < got; i++) {
        unsigned user = 0;
        while (user < known && users[user].ip.s_addr != names[i].sin_addr.s_addr) user++;
        if (user == known) {
          if (known == 64) continue;
          users[known++].ip = names[i].sin_addr;
        }
        users[user].packets++, users[user].bytes += messages[i].msg_len;
      }
    }
    int what = wait[1].revents != 0 ? told() : 0;
    if (what != 0) {
      printf("{\"seconds\":%.4f,\"users\":[", seconds_since(begin));
      for (unsigned i = 0; i < known; i++) {
        char text[INET_ADDRSTRLEN];
        inet_ntop(AF_INET, &users[i].ip, text, sizeof text);
        printf("%s{\"address\":\"%s\",\"packets\":%llu,\"bytes\":%llu}", i == 0 ? "" : ",", text, users[i].packets, users[i].bytes);
      }
      printf("]}\n");
      fflush(stdout);
    }
    if (what == 2 || seconds_since(begin) > MOST_SECONDS) return 0;
  }
}

static int watch(int argc, char **argv) {
  if (argc < 2) refuse("watch INTERFACE PORT [INITIATIONS]");
  uint16_t port = (uint16_t)atoi(argv[1]);
  int fd = packet_socket(argv[0]);
  FILE *initiations = argc > 2 ? fopen(argv[2], "w") : NULL;
  unsigned long long in = 0, out = 0, cookies = 0;
  puts("ready");
  fflush(stdout);
  uint64_t begin = now_ns();
  for (;;) {
    struct pollfd wait[2] = {{fd, POLLIN, 0}, {0, POLLIN, 0}};
    poll(wait, 2, 1000);
    struct seen seen;
    while (next_seen(fd, port, &seen)) {
      uint8_t type = seen.payload[0];
      if (!seen.outgoing && (type == 3 || type == 0x12)) in += seen.length, cookies += type == 3;
      if (!seen.outgoing || type != 0x11) continue;
      out += seen.length;
      keep(initiations, &seen);
    }
    int what = wait[1].revents != 0 ? told() : 0;
    if (what != 0) {
      if (initiations != NULL) fflush(initiations);
      printf("{\"seconds\":%.3f,\"answerBytes\":%llu,\"cookies\":%llu,\"initiationBytes\":%llu,\"missed\":%llu}\n",
             seconds_since(begin), in, cookies, out, missed_by(fd));
      fflush(stdout);
    }
    if (what == 2 || seconds_since(begin) > MOST_SECONDS) return 0;
  }
}

int main(int argc, char **argv) {
  const char *act = argc > 1 ? argv[1] : "";
  if (strcmp(act, "flood") == 0) return flood(argc - 2, argv + 2);
  if (strcmp(act, "source") == 0) return source(argc - 2, argv + 2);
  if (strcmp(act, "sink") == 0) return sink(argc - 2, argv + 2);
  if (strcmp(act, "watch") == 0) return watch(argc - 2, argv + 2);
  refuse("flood, source, sink or watch: see the head of traffic.c");
}
