// Closing with care: CloseWrite, read on, Close.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"time"
)

func main() {
	listener, _ := net.Listen("tcp", "127.0.0.1:0")
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	accepted, _ := listener.Accept()
	conn := accepted.(*net.TCPConn)
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	for lines.Scan() {
		fmt.Fprintln(conn, "ok")
	}
	conn.CloseWrite() // the FIN: nothing more will come from here
	conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	if _, err := io.Copy(io.Discard, conn); err == nil { // nil: end of file
		fmt.Println("the client closed too")
	} else {
		fmt.Println("lingered long enough")
	}
}
