// Sort numbers: an example to change into something harder.
package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Task is one list of numbers. Its JSON is one line of a data set.
type Task struct {
	Numbers []int64 `json:"numbers"`
}

var environment = Puzzles[Task]{
	Name:            "@NAME@",
	Asks:            "Sort numbers.",
	Generate:        generate,
	Check:           check,
	Question:        question,
	CompactQuestion: compactQuestion,
	Grade:           grade,
	Oracle:          oracle,
	Cheats:          cheats,
}

func generate(rng *Rng) Task {
	numbers := make([]int64, rng.Within(4, 8))
	for index := range numbers {
		numbers[index] = rng.Within(0, 99)
	}
	return Task{numbers}
}

func check(task Task) error {
	if task.Numbers == nil {
		return errors.New(`a task is a list of numbers, as in {"numbers":[3,1,2]}`)
	}
	return nil
}

func question(task Task) string {
	return fmt.Sprintf("Sort in ascending order: %s. Answer with the numbers, separated by commas.", compactQuestion(task))
}

func compactQuestion(task Task) string {
	return listed(task.Numbers)
}

func grade(task Task, answer string) error {
	var numbers []int64
	for part := range strings.SplitSeq(answer, ",") {
		number, err := strconv.ParseInt(strings.TrimSpace(part), 10, 64)
		if err != nil {
			return fmt.Errorf("%q is not a number", part)
		}
		numbers = append(numbers, number)
	}
	if !slices.Equal(numbers, sorted(task)) {
		return errors.New("these are not the numbers in ascending order")
	}
	return nil
}

func oracle(task Task) string {
	return listed(sorted(task))
}

func cheats(task Task) []string {
	numbers := sorted(task)
	shorter := listed(numbers[1:])
	slices.Reverse(numbers)
	return []string{shorter, listed(numbers)}
}

func sorted(task Task) []int64 {
	return slices.Sorted(slices.Values(task.Numbers))
}

func listed(numbers []int64) string {
	texts := make([]string, len(numbers))
	for index, number := range numbers {
		texts[index] = strconv.FormatInt(number, 10)
	}
	return strings.Join(texts, ", ")
}
