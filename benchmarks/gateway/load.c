/* Stub and load of the gateway's benchmarks, light enough not to be what is measured.

   load stub PORT CHUNKS          answers 1 KB of JSON, or CHUNKS events of 120 bytes, each in a chunk and a write of its own
   load drive PORT CONNECTIONS SECONDS REQUEST_FILE     one request after the other on each connection; prints a line of JSON;
                                                        @@@@@@@@@@ in the request becomes a number that counts up
   load pace PORT RATE SECONDS REQUEST_FILE             RATE requests a second, whether answered or not; the time of each from
                                                        when it was due, as percentiles in a line of JSON
*/
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ROOM 65536

struct side {
  int fd;
  size_t held;
  char data[ROOM];
};

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static struct sockaddr_in here(int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

static struct side *side(int epoll, int fd) {
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct side *s = calloc(1, sizeof *s);
  s->fd = fd;
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = s};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e)) die("epoll_ctl");
  return s;
}

static void put(int fd, const char *data, size_t size) {
  while (size) {
    ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;
    data += n;
    size -= n;
  }
}

/* The length of the message at the beginning of what is held, 0 while it isn't whole. */
static size_t whole(struct side *s) {
  char *end = memmem(s->data, s->held, "\r\n\r\n", 4);
  if (!end) return 0;
  size_t head = end + 4 - s->data;
  *end = 0;
  char *length = strcasestr(s->data, "\ncontent-length:");
  char *chunked = strcasestr(s->data, "\ntransfer-encoding: chunked");
  *end = '\r';
  if (length) {
    size_t all = head + strtoul(length + 16, NULL, 10);
    return s->held >= all ? all : 0;
  }
  if (!chunked) return head;
  char *last = s->held >= head + 5 ? s->data + s->held - 5 : NULL;
  return last && !memcmp(last, "0\r\n\r\n", 5) ? s->held : 0;
}

static int stub(int port, int chunks) {
  int one = 1, listening = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in a = here(port);
  if (bind(listening, (void *)&a, sizeof a) || listen(listening, 1024)) die("bind");
  int epoll = epoll_create1(0);
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL}, found[64];
  epoll_ctl(epoll, EPOLL_CTL_ADD, listening, &e);
  static char json[2048], event[256];
  char filling[1025];
  memset(filling, 'x', 1024);
  filling[1024] = 0;
  static char body[1100];
  int body_size = sprintf(body,
                          "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,"
                          "\"message\":{\"role\":\"assistant\",\"content\":\"%.800s\"},\"finish_reason\":\"stop\"}],"
                          "\"usage\":{\"prompt_tokens\":90,\"completion_tokens\":20,\"total_tokens\":110}}",
                          filling);
  static char last[] =
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":90,\"completion_tokens\":100,\"total_tokens\":190}}\n\n"
      "data: [DONE]\n\n";
  static char ending[sizeof last + 32];
  int ending_size = sprintf(ending, "%x\r\n%s\r\n0\r\n\r\n", (int)sizeof last - 1, last);
  int json_size = sprintf(json,
                          "HTTP/1.1 200 OK\r\nDate: Fri, 27 Nov 2026 20:00:00 GMT\r\nServer: uvicorn\r\n"
                          "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                          body_size, body);
  static char start[] =
      "HTTP/1.1 200 OK\r\nDate: Fri, 27 Nov 2026 20:00:00 GMT\r\nServer: uvicorn\r\n"
      "Content-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n";
  char *dates[2] = {strstr(json, "Date: ") + 6, strstr(start, "Date: ") + 6};
  time_t dated = 0;
  int event_size = sprintf(event, "78\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"%.74s\"}}]}\n\n\r\n", filling);
  while (1) {
    int n = epoll_wait(epoll, found, 64, -1);
    if (time(NULL) != dated) {
      char text[40];
      dated = time(NULL);
      strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&dated));
      for (int d = 0; d < 2; d++) memcpy(dates[d], text, 29);
    }
    for (int i = 0; i < n; i++) {
      struct side *s = found[i].data.ptr;
      if (!s) {
        int fd = accept(listening, NULL, NULL);
        if (fd >= 0) side(epoll, fd);
        continue;
      }
      ssize_t got = recv(s->fd, s->data + s->held, ROOM - s->held, 0);
      if (got <= 0) {
        close(s->fd);
        free(s);
        continue;
      }
      s->held += got;
      if (!whole(s)) continue;
      if (memmem(s->data, s->held, "\"stream\": true", 14) || memmem(s->data, s->held, "\"stream\":true", 13)) {
        put(s->fd, start, sizeof start - 1);
        for (int c = 0; c < chunks; c++) put(s->fd, event, event_size);
        put(s->fd, ending, ending_size);
      } else {
        put(s->fd, json, json_size);
      }
      s->held = 0;
    }
  }
}

static int drive(int port, int connections, double seconds, const char *file) {
  static char request[ROOM];
  FILE *f = fopen(file, "rb");
  if (!f) die(file);
  size_t size = fread(request, 1, sizeof request, f);
  fclose(f);
  char *changing = memmem(request, size, "@@@@@@@@@@", 10), number[11];
  int epoll = epoll_create1(0);
  struct epoll_event found[64];
  for (int c = 0; c < connections; c++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = here(port);
    if (connect(fd, (void *)&a, sizeof a)) die("connect");
    put(side(epoll, fd)->fd, request, size);
  }
  long answers = 0, wrong = 0, bytes = 0;
  double began = now(), until = began + seconds;
  while (now() < until) {
    int n = epoll_wait(epoll, found, 64, 100);
    for (int i = 0; i < n; i++) {
      struct side *s = found[i].data.ptr;
      ssize_t got = recv(s->fd, s->data + s->held, ROOM - s->held, 0);
      if (got <= 0) die("the proxy ended a connection");
      s->held += got;
      bytes += got;
      if (!whole(s)) continue;
      if (memcmp(s->data, "HTTP/1.1 200", 12)) wrong++;
      s->held = 0;
      answers++;
      if (changing) {
        sprintf(number, "%010ld", answers % 10000000000L);
        memcpy(changing, number, 10);
      }
      put(s->fd, request, size);
    }
  }
  printf("{\"answers\": %ld, \"wrong\": %ld, \"bytes\": %ld, \"seconds\": %.6f}\n", answers, wrong, bytes, now() - began);
  return 0;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static int pace(int port, double rate, double seconds, const char *file) {
  static char request[ROOM];
  FILE *f = fopen(file, "rb");
  if (!f) die(file);
  size_t size = fread(request, 1, sizeof request, f);
  fclose(f);
  enum { CONNECTIONS = 256 };
  int epoll = epoll_create1(0), free_count = 0;
  struct epoll_event found[64];
  static struct side *idle[CONNECTIONS];
  for (int c = 0; c < CONNECTIONS; c++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = here(port);
    if (connect(fd, (void *)&a, sizeof a)) die("connect");
    idle[free_count++] = side(epoll, fd);
  }
  long total = (long)(rate * seconds), sent = 0, done = 0, wrong = 0;
  usleep(300000); /* the connections stand before the first request is due */
  double *took = calloc(total, sizeof *took), began = now();
  static double at[65536];
  while (done < total) {
    double next = began + sent / rate, t = now();
    while (sent < total && next <= t && free_count) {
      struct side *s = idle[--free_count];
      at[s->fd] = next;
      put(s->fd, request, size);
      next = began + ++sent / rate;
      t = now();
    }
    double wait = sent < total && free_count ? next - t : 0.01;
    if (wait < 0) wait = 0;
    struct timespec left = {.tv_sec = 0, .tv_nsec = (long)(wait * 1e9)};
    int n = epoll_pwait2(epoll, found, 64, &left, NULL);
    for (int i = 0; i < n; i++) {
      struct side *s = found[i].data.ptr;
      ssize_t got = recv(s->fd, s->data + s->held, ROOM - s->held, 0);
      if (got <= 0) die("the proxy ended a connection");
      s->held += got;
      if (!whole(s)) continue;
      if (memcmp(s->data, "HTTP/1.1 200", 12)) wrong++;
      s->held = 0;
      took[done++] = now() - at[s->fd];
      idle[free_count++] = s;
    }
    if (now() > began + seconds + 30) break;
  }
  qsort(took, done, sizeof *took, by_size);
  printf("{\"answers\": %ld, \"wrong\": %ld, \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"seconds\": %.6f}\n", done,
         wrong, done ? 1e6 * took[done / 2] : 0, done ? 1e6 * took[done * 99 / 100] : 0,
         done ? 1e6 * took[done * 999 / 1000] : 0, now() - began);
  free(took);
  return 0;
}

int main(int count, char **words) {
  if (count == 4 && !strcmp(words[1], "stub")) return stub(atoi(words[2]), atoi(words[3]));
  if (count == 6 && !strcmp(words[1], "drive")) return drive(atoi(words[2]), atoi(words[3]), atof(words[4]), words[5]);
  if (count == 6 && !strcmp(words[1], "pace")) return pace(atoi(words[2]), atof(words[3]), atof(words[4]), words[5]);
  fprintf(stderr, "load stub PORT CHUNKS | load drive PORT CONNECTIONS SECONDS REQUEST_FILE\n");
  return 2;
}
