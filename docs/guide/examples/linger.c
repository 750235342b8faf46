/* Closing with care: shutdown, read on, close. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static ssize_t next(int fd, int ms) { /* 0: end of file, -1: silence */
    static char bytes[65536];
    return poll(&(struct pollfd){fd, POLLIN, 0}, 1, ms) == 1 ? read(fd, bytes, sizeof bytes) : -1;
}

int main(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 1)) return 1;
    getsockname(listener, (struct sockaddr *)&at, &(socklen_t){sizeof at});
    printf("%d\n", ntohs(at.sin_port)), fflush(stdout);
    int fd = accept(listener, NULL, NULL);
    while (next(fd, 300) > 0 && write(fd, "ok\n", 3) == 3) {}
    shutdown(fd, SHUT_WR); /* the FIN: nothing more will come from here */
    ssize_t got = 1;
    for (time_t end = time(NULL) + 30; got > 0 && time(NULL) < end;) got = next(fd, 2000);
    puts(got == 0 ? "the client closed too" : "lingered long enough");
    close(fd);
}
