// SPDX-License-Identifier: Apache-2.0
// Sorted maps of words, as a Go program does it: slices, strings, maps, goroutines; the argument is how many words.
package main

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
)

func words(count int, out chan<- string) {
	state := uint32(7)
	for i := 0; i < count; i++ {
		state = state*1664525 + 1013904223
		out <- "w" + strconv.Itoa(int(state>>8)%(1+int(state>>4)%4096))
	}
	close(out)
}

func main() {
	count := 50000
	if len(os.Args) > 1 {
		count, _ = strconv.Atoi(os.Args[1])
	}
	stream := make(chan string, 64)
	go words(count, stream)
	counts := map[string]int{}
	for word := range stream {
		counts[strings.ToUpper(word)]++
	}
	keys := make([]string, 0, len(counts))
	for key := range counts {
		keys = append(keys, key)
	}
	sort.Slice(keys, func(i, j int) bool {
		if counts[keys[i]] != counts[keys[j]] {
			return counts[keys[i]] > counts[keys[j]]
		}
		return keys[i] < keys[j]
	})
	fmt.Println(len(keys), keys[0], counts[keys[0]], strings.Join(keys[:5], ","))
}
