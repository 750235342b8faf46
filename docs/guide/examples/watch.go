// A client that watches its idle connection.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

func main() {
	conn, err := net.Dial("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(conn, "hello")
	reader := bufio.NewReader(conn)
	answer, _ := reader.ReadString('\n')
	fmt.Print(answer)
	conn.SetReadDeadline(time.Now().Add(55 * time.Second)) // less than the server's
	if _, err := reader.ReadByte(); errors.Is(err, io.EOF) { // the watch
		fmt.Println("the server has closed")
	}
	conn.Close()
	fmt.Println("closed")
}
