/* A client that watches its idle connection. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LIMIT = 55000 }; /* ms: less than the server's */

int main(int argc, char **argv) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 0)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char bytes[100];
    if (connect(fd, (struct sockaddr *)&to, sizeof to) || write(fd, "hello\n", 6) != 6) return 1;
    ssize_t got = read(fd, bytes, sizeof bytes);
    printf("%.*s", got > 0 ? (int)got : 0, bytes);
    struct pollfd watched = {.fd = fd, .events = POLLIN}; /* or a whole pool */
    if (poll(&watched, 1, LIMIT) == 0)
        puts("idle for too long");
    else if (read(fd, bytes, sizeof bytes) == 0)
        puts("the server has closed");
    close(fd);
    puts("closed");
}
