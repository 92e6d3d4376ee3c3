// The command `ledgerproxy` in the image, which has no shell: it replaces itself with Deno, the flags of the image and the
// program. The flags come from the Dockerfile's ENTRYPOINT, through the linker:
//
//	go build -ldflags "-s -w -X 'main.command=/ledgerproxy/deno run ... /ledgerproxy/ledgerproxy.js'"
package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

var command string

func main() {
	words := strings.Fields(command)
	if len(words) == 0 {
		fmt.Fprintln(os.Stderr, "ledgerproxy: built without -X main.command")
		os.Exit(3)
	}
	err := syscall.Exec(words[0], append(words, os.Args[1:]...), os.Environ())
	fmt.Fprintf(os.Stderr, "ledgerproxy: %s: %v\n", words[0], err)
	os.Exit(3)
}
