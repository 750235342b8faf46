/* Ends five connections with sockets in C. The test at the other end watches how. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int port;

static int connection(void) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int s = socket(AF_INET, SOCK_STREAM, 0);
    char told;
    if (s < 0 || connect(s, (struct sockaddr *)&to, sizeof to) < 0 || read(s, &told, 1) != 1) exit(1);
    return s;
}

int main(int argc, char **argv) {
    char buffer[100];
    if (argc < 2) return 1;
    port = atoi(argv[1]);

    int s = connection(); /* bytes that nobody has read */
    usleep(100000);
    close(s);

    s = connection(); /* abort */
    struct linger off = {.l_onoff = 1, .l_linger = 0};
    setsockopt(s, SOL_SOCKET, SO_LINGER, &off, sizeof off);
    close(s);

    s = connection(); /* half-close, and read on */
    shutdown(s, SHUT_WR);
    printf("c %zd\n", read(s, buffer, sizeof buffer));
    fflush(stdout);
    close(s);

    s = connection(); /* the peer closes, and the program only reads */
    while (read(s, buffer, sizeof buffer) > 0) { }
    usleep(1600000);
    close(s);

    connection(); /* the process ends */
    return 0;
}
