package main

import (
	"slices"
	"testing"
)

func TestAnswersAreGraded(t *testing.T) {
	task := Task{[]int64{30, 4, 4, 1}}
	for answer, right := range map[string]bool{
		"1, 4, 4, 30":  true,
		"1,4,4,30":     true,
		"1, 4, 30":     false,
		"30, 4, 4, 1":  false,
		"1, 4, 4, 3 0": false,
		"":             false,
	} {
		if err := grade(task, answer); (err == nil) != right {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

func TestGeneratedTasksDependOnSeedAndNumber(t *testing.T) {
	generated := func(seed, number uint64) []int64 { return generate(&Rng{Seed: seed, Number: number}).Numbers }
	if !slices.Equal(generated(1, 2), generated(1, 2)) {
		t.Error("the same task differs")
	}
	if slices.Equal(generated(1, 2), generated(2, 2)) || slices.Equal(generated(1, 2), generated(1, 3)) {
		t.Error("different tasks are the same")
	}
}
