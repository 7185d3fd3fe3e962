// What an environment in Go is made of: tasks, which are values of one type, and functions that pose and grade them.
//
// Define `environment`, as env.go of `azr-env new` does. The crate azr-guest-sdk documents the same for Rust; the names
// and meanings are the same.
//
// A judge keeps nothing between calls. Its clock stands still and its random numbers are the same in every call:
// whatever should vary comes from Rng.

package main

import "math/bits"

// Puzzles is an environment of one kind of task. Functions that are not needed are left out, but for Question and Grade.
// A task's JSON is its body and the format of data sets; floating-point numbers are better left out of it.
type Puzzles[Task any] struct {
	Name string
	// Version is "0.1.0" where it is not given.
	Version string
	// Kind is the same as Name where it is not given.
	Kind string
	// Asks says what a task asks, in a sentence.
	Asks string

	// Generate makes a new task, which depends on rng only.
	Generate func(rng *Rng) Task
	// Seeds are tasks that training starts from.
	Seeds func() []Task
	// Check says why a task of a data set or of a proposer cannot be asked. Fields that were not there are zero.
	Check func(task Task) error
	// Question asks for the answer. It says how it is written, and not what it is.
	Question func(task Task) string
	// CompactQuestion is the question for the small embedded policy, as short as can be.
	CompactQuestion func(task Task) string
	// Grade says why an answer, which is any text at all, is not right, and never what is; Partly is for those that get
	// some of the score.
	Grade func(task Task, answer string) error
	// Subject says what a task is about. Without it every task is a subject of its own.
	Subject func(task Task) string
	// Oracle gives a right answer, for checks and for policies that are shown how it is done.
	Oracle func(task Task) string
	// Thought is what could be thought before the oracle's answer.
	Thought func(task Task) string
	// Cheats are answers that want to pass for right and must score nothing.
	Cheats func(task Task) []string

	// ProposerQuestion asks for a new task. Without it the policy does not propose tasks.
	ProposerQuestion        func() string
	CompactProposerQuestion func() string
	// ReadProposal reads the task that a proposer wrote, or says why it is none.
	ReadProposal func(text string) (Task, error)
	// Proposal is how a proposer would write a task, for the same purposes.
	Proposal func(task Task) string
	// ForgedProposals want to pass for tasks and must not.
	ForgedProposals func() []string
}

// Partly is why an answer gets some of the score, from 0 to less than 1.
type Partly struct {
	Score  float64
	Reason string
}

func (partly Partly) Error() string {
	return partly.Reason
}

// Rng has the random numbers of one generated task: Philox4x32-10, the same numbers as Rng of azr-guest-sdk.
type Rng struct {
	Seed, Number, draws uint64
}

// Bits draws 64 random bits.
func (rng *Rng) Bits() uint64 {
	a, b := uint32(rng.draws), uint32(rng.draws>>32)
	c, d := uint32(rng.Number), uint32(rng.Number>>32)
	k, l := uint32(rng.Seed), uint32(rng.Seed>>32)
	rng.draws++
	for range 10 {
		highA, lowA := bits.Mul32(0xD2511F53, a)
		highC, lowC := bits.Mul32(0xCD9E8D57, c)
		a, b, c, d = highC^b^k, lowC, highA^d^l, lowA
		k, l = k+0x9E3779B9, l+0xBB67AE85
	}
	return uint64(a) | uint64(b)<<32
}

// Below draws a number from 0 to bound - 1.
func (rng *Rng) Below(bound uint64) uint64 {
	if bound == 0 {
		panic("there is no number below 0")
	}
	number, _ := bits.Mul64(rng.Bits(), bound)
	return number
}

// Within draws a number from first to last.
func (rng *Rng) Within(first, last int64) int64 {
	return first + int64(rng.Below(uint64(last-first)+1))
}

// Shuffle brings count items into random order by swapping them.
func (rng *Rng) Shuffle(count int, swap func(one, other int)) {
	for end := count - 1; end > 0; end-- {
		swap(end, int(rng.Below(uint64(end)+1)))
	}
}

// Pick draws one of the items.
func Pick[Item any](rng *Rng, items []Item) Item {
	return items[rng.Below(uint64(len(items)))]
}

func main() {}
