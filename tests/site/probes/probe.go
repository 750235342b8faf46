// Ends five connections with Go's net. The test at the other end watches how.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

func connection() *net.TCPConn {
	c, err := net.Dial("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		panic(err)
	}
	c.Read(make([]byte, 1))
	return c.(*net.TCPConn)
}

func main() {
	c := connection() // bytes that nobody has read
	time.Sleep(100 * time.Millisecond)
	c.Close()

	c = connection() // abort
	c.SetLinger(0)
	c.Close()

	c = connection() // half-close, and read on
	c.CloseWrite()
	n, _ := c.Read(make([]byte, 100))
	fmt.Println("go", n)
	c.Close()

	c = connection() // the peer closes, and the program only reads
	io.Copy(io.Discard, c)
	time.Sleep(1600 * time.Millisecond)
	c.Close()

	connection() // the process ends
}
