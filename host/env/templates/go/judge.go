// The judge around `environment` of env.go. `azr-env build` adds it; the trait `Puzzles` of the crate azr-guest-sdk does
// the same for Rust.

package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unsafe"
)

const (
	format = "First reason about the question inside <think> </think> tags, then give the answer inside <answer> " +
		"</answer> tags: <think> reasoning </think> <answer> answer </answer>"
	// Tasks that examples are made of, of each source.
	examplesMax = 8
	// Brackets that may be open in a line of a data set. Protects the stack from the JSON parser's recursion.
	nestingMax = 64
)

var markers = []string{
	"<solve>", "<propose>", "<deduction>", "<abduction>", "<induction>", "<program>", "<input>", "<output>", "<think>", "</think>",
}

const (
	instruct uint32 = iota
	compact
)

const (
	right byte = iota
	partial
	wrong
	malformed
)

//go:wasmexport azr:env/judge@0.1.0#describe
func describe() pointer {
	kind := new(record).text(kindOf()).text(environment.Asks)
	kind.flag(environment.ProposerQuestion != nil).flag(environment.Generate != nil).list(0, nil).number(0)
	version := environment.Version
	if version == "" {
		version = "0.1.0"
	}
	description := new(record).text(environment.Name).text(version).list(1, kind).list(0, nil)
	return description.long(0).long(0).number(0).align(8).list(0, nil).pinned()
}

//go:wasmexport azr:env/judge@0.1.0#seeds
func seeds(style uint32, settings pointer, settingsLength uint32) pointer {
	tasks := new(record)
	stated := called(environment.Seeds)
	for _, task := range stated {
		tasks.task(written(task))
	}
	return new(record).list(len(stated), tasks).pinned()
}

//go:wasmexport azr:env/judge@0.1.0#generate
func generated(style uint32, settings pointer, settingsLength uint32, kind pointer, kindLength uint32, seed, first uint64, count uint32) pointer {
	tasks := new(record)
	for index := range count {
		tasks.task(written(environment.Generate(&Rng{Seed: seed, Number: first + uint64(index)})))
	}
	return new(record).list(int(count), tasks).pinned()
}

//go:wasmexport azr:env/judge@0.1.0#import-task
func importTask(style uint32, settings pointer, settingsLength uint32, line pointer, lineLength uint32) pointer {
	task, err := environment.parsed(given(line, lineLength))
	if err != nil {
		return rejected("not-a-task", err.Error())
	}
	if err := environment.checked(task); err != nil {
		return rejected("unfit", err.Error())
	}
	return new(record).byte(0).align(4).task(written(task)).pinned()
}

//go:wasmexport azr:env/judge@0.1.0#examples
func examples(style uint32, settings pointer, settingsLength uint32) pointer {
	list, count := new(record), 0
	attempt := func(task, note, answer string, expected byte) {
		list.text(note + ": " + answer).byte(1).align(4).task(task).text(completion(style, answer)).byte(expected).align(4)
		count++
	}
	proposal := func(note, text string, expected byte) {
		list.text(note+": "+text).byte(0).align(4).text(kindOf()).list(0, nil).text(completion(style, text))
		list.byte(expected).align(4)
		count++
	}
	tasks := called(environment.Seeds)
	tasks = tasks[:min(len(tasks), examplesMax)]
	for number := uint64(0); number < examplesMax && environment.Generate != nil; number++ {
		tasks = append(tasks, environment.Generate(&Rng{Number: number}))
	}
	for _, task := range tasks {
		body := written(task)
		if environment.Oracle != nil {
			attempt(body, "an answer", environment.Oracle(task), right)
		}
		if environment.Cheats != nil {
			for _, cheat := range environment.Cheats(task) {
				attempt(body, "a cheat", cheat, wrong)
			}
		}
		if environment.Proposal != nil {
			proposal("a task", environment.Proposal(task), right)
		}
	}
	for _, text := range called(environment.ForgedProposals) {
		proposal("a forgery", text, wrong)
	}
	return new(record).list(count, list).pinned()
}

//go:wasmexport azr:env/judge@0.1.0#demonstrate
func demonstrate(style uint32, settings pointer, settingsLength uint32, kind pointer, kindLength uint32, body pointer, bodyLength uint32) pointer {
	task := environment.read(given(body, bodyLength))
	demonstration := new(record)
	if environment.Oracle == nil {
		demonstration.option("", false)
	} else {
		text := completion(style, environment.Oracle(task))
		if environment.Thought != nil && style == compact {
			text = "<think>" + environment.Thought(task) + "</think>" + text
		} else if environment.Thought != nil {
			text = environment.Thought(task) + text
		}
		demonstration.option(text, true)
	}
	if environment.Proposal == nil {
		demonstration.option("", false)
	} else {
		demonstration.option(completion(style, environment.Proposal(task)), true)
	}
	return demonstration.pinned()
}

//go:wasmexport azr:env/judge@0.1.0#propose-prompt
func proposePrompt(style uint32, settings pointer, settingsLength uint32, kind pointer, kindLength uint32, tasks pointer, tasksLength uint32) pointer {
	question := environment.ProposerQuestion
	if style == compact && environment.CompactProposerQuestion != nil {
		question = environment.CompactProposerQuestion
	}
	return asked(style, "<propose>", question())
}

//go:wasmexport azr:env/judge@0.1.0#solve-prompt
func solvePrompt(style uint32, settings pointer, settingsLength uint32, kind pointer, kindLength uint32, body pointer, bodyLength uint32) pointer {
	question := environment.Question
	if style == compact && environment.CompactQuestion != nil {
		question = environment.CompactQuestion
	}
	return asked(style, "<solve>", question(environment.read(given(body, bodyLength))))
}

//go:wasmexport azr:env/judge@0.1.0#subject
func subject(kind pointer, kindLength uint32, body pointer, bodyLength uint32) pointer {
	about := given(body, bodyLength)
	if environment.Subject != nil {
		about = environment.Subject(environment.read(about))
	}
	return new(record).text(about).pinned()
}

//go:wasmexport azr:env/judge@0.1.0#plan-proposal
func planProposal(style uint32, settings pointer, settingsLength uint32, kind pointer, kindLength uint32, tasks pointer, tasksLength uint32, text pointer, textLength uint32) pointer {
	return new(record).byte(0).align(4).list(0, nil).number(0).number(0).pinned()
}

//go:wasmexport azr:env/judge@0.1.0#judge-proposal
func judgeProposal(style uint32, settings pointer, settingsLength uint32, kind pointer, kindLength uint32, tasks pointer, tasksLength uint32, text pointer, textLength uint32, reports pointer, reportsLength uint32) pointer {
	if environment.ReadProposal == nil {
		return rejected("not-a-task", "tasks of this environment are not proposed")
	}
	proposed, wellFormed := found(style, given(text, textLength))
	task, err := environment.ReadProposal(proposed)
	if err != nil {
		return rejected("not-a-task", err.Error())
	}
	if err := environment.checked(task); err != nil {
		return rejected("unfit", err.Error())
	}
	return new(record).byte(0).align(4).task(written(task)).flag(wellFormed).align(4).list(0, nil).pinned()
}

//go:wasmexport azr:env/judge@0.1.0#plan-answer
func planAnswer(style uint32, settings pointer, settingsLength uint32, kind pointer, kindLength uint32, body pointer, bodyLength uint32, text pointer, textLength uint32) pointer {
	return new(record).list(0, nil).pinned()
}

//go:wasmexport azr:env/judge@0.1.0#judge-answer
func judgeAnswer(style uint32, settings pointer, settingsLength uint32, kind pointer, kindLength uint32, body pointer, bodyLength uint32, text pointer, textLength uint32, reports pointer, reportsLength uint32) pointer {
	answer, wellFormed := found(style, given(text, textLength))
	score, reason := 1.0, "right"
	if err := environment.Grade(environment.read(given(body, bodyLength)), answer); err != nil {
		score, reason = 0, err.Error()
		if partly := (Partly{}); errors.As(err, &partly) {
			score = partly.Score
		}
	}
	return new(record).long(math.Float64bits(score)).flag(wellFormed).align(4).text(answer).text(reason).pinned()
}

//go:wasmexport azr:env/judge@0.1.0#plan-exec
func planExec(program pointer, programLength uint32, input pointer, inputLength uint32) pointer {
	return rejected("no-executor", "this environment runs no programs")
}

//go:wasmexport azr:env/judge@0.1.0#show-value
func showValue(value pointer, valueLength uint32) pointer {
	return new(record).text(fmt.Sprintf("% x", given(value, valueLength))).pinned()
}

func kindOf() string {
	if environment.Kind != "" {
		return environment.Kind
	}
	return environment.Name
}

// What a function without arguments returns; nothing where there is no function.
func called[Item any](function func() []Item) []Item {
	if function == nil {
		return nil
	}
	return function()
}

func (puzzles Puzzles[Task]) checked(task Task) error {
	if puzzles.Check == nil {
		return nil
	}
	return puzzles.Check(task)
}

// The task of a line of a data set, which is any text at all.
func (puzzles Puzzles[Task]) parsed(line string) (task Task, err error) {
	depth := 0
	for _, character := range line {
		switch character {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		}
		if depth > nestingMax {
			return task, fmt.Errorf("more than %d brackets inside each other", nestingMax)
		}
	}
	err = decode(line, &task)
	return task, err
}

// The task of a body of ours.
func (puzzles Puzzles[Task]) read(body string) (task Task) {
	if err := decode(body, &task); err != nil {
		panic(fmt.Sprintf("%s is not the body of a task: %v", body, err))
	}
	return task
}

// A task's body: canonical JSON, whose keys are in order, as those of Go's maps are.
func written(task any) string {
	var fields any
	if err := decode(encode(task), &fields); err != nil {
		panic(err)
	}
	return encode(fields)
}

func encode(value any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Sprintf("a task cannot be written as JSON: %v", err))
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// The one value of a text of JSON. Numbers that go nowhere else keep their digits.
func decode(text string, value any) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	if err := decoder.Decode(value); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("something follows the task")
	}
	return nil
}

func asked(style uint32, role, question string) pointer {
	const user = 1
	message, prefill, stops, stop := new(record).byte(user).align(4), "", 0, new(record)
	if style == compact {
		message.text(role + question + "<output>")
	} else {
		message.text(question + "\n\n" + format)
		prefill, stops = "<think>", 1
		stop.text("</answer>")
	}
	return new(record).list(1, message).text(prefill).list(stops, stop).pinned()
}

func completion(style uint32, answer string) string {
	if style == compact {
		return answer
	}
	return "</think>\n<answer>" + answer
}

// The answer, and whether the completion kept the format: as azr_guest_sdk::format::Tagged.
func found(style uint32, completion string) (answer string, wellFormed bool) {
	thought, after, closed := strings.Cut(completion, "</think>")
	if style == compact {
		answer, wellFormed = completion, true
		if closed && strings.HasPrefix(thought, "<think>") {
			answer = after
		}
		for _, marker := range markers {
			if end := strings.Index(answer, marker); end >= 0 {
				answer, wellFormed = answer[:end], false
			}
		}
		return strings.TrimSpace(answer), wellFormed
	}
	answer, wellFormed = completion, closed && strings.HasPrefix(strings.TrimSpace(after), "<answer>")
	if open := strings.LastIndex(completion, "<answer>"); open >= 0 {
		answer, _, _ = strings.Cut(completion[open+len("<answer>"):], "</answer>")
	}
	return strings.TrimSpace(answer), wellFormed
}

func rejected(code, message string) pointer {
	return new(record).byte(1).align(4).text(code).text(message).pinned()
}

// What crosses: the records of wit/env.wit as the canonical ABI lays them out. Pointers have 32 bits there.

type pointer = unsafe.Pointer

// Memory that the host still writes to or reads from.
var pinned [][]uint64

// What Go's runtime calls while it starts needs memory before there is an allocator. `azr-env build` gives it what follows
// the mark: two pages, and what their alignment takes.
var room = [2<<16 + 48]byte{'a', 'z', 'r', ':', 'a', 'd', 'a', 'p', 't', 'e', 'r', '-', 'r', 'o', 'o', 'm'}

//go:wasmexport cabi_realloc
func reallocate(old pointer, oldLength, alignment, length uint32) pointer {
	if room[0] == 0 || length == 0 {
		return pointer(&room)
	}
	words := make([]uint64, (length+7)/8)
	pinned = append(pinned, words)
	start := pointer(unsafe.SliceData(words))
	copy(unsafe.Slice((*byte)(start), length), unsafe.Slice((*byte)(old), oldLength))
	return start
}

// A text of the host's.
func given(start pointer, length uint32) string {
	return unsafe.String((*byte)(start), length)
}

type record []byte

func (fields *record) align(bytes int) *record {
	for len(*fields)%bytes != 0 {
		*fields = append(*fields, 0)
	}
	return fields
}

func (fields *record) byte(value byte) *record {
	*fields = append(*fields, value)
	return fields
}

func (fields *record) flag(value bool) *record {
	if value {
		return fields.byte(1)
	}
	return fields.byte(0)
}

func (fields *record) number(value uint32) *record {
	*fields = binary.LittleEndian.AppendUint32(*fields.align(4), value)
	return fields
}

func (fields *record) long(value uint64) *record {
	*fields = binary.LittleEndian.AppendUint64(*fields.align(8), value)
	return fields
}

func (fields *record) text(value string) *record {
	bytes := record(value)
	return fields.list(len(value), &bytes)
}

func (fields *record) task(body string) *record {
	return fields.text(kindOf()).text(body)
}

func (fields *record) option(value string, there bool) *record {
	return fields.flag(there).align(4).text(value)
}

func (fields *record) list(length int, items *record) *record {
	if length == 0 {
		return fields.number(8).number(0)
	}
	return fields.number(uint32(uintptr(items.pinned()))).number(uint32(length))
}

// Its address, where it stays.
func (fields *record) pinned() pointer {
	start := reallocate(nil, 0, 8, uint32(len(*fields)))
	copy(unsafe.Slice((*byte)(start), len(*fields)), *fields)
	return start
}
