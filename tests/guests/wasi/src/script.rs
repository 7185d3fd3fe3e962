//! Calls of WASI functions by name, one a line. Each function has its line; handles go onto stacks, and a function uses
//! the last of its kind.

use std::fmt::Debug;

use wasip2::{
    cli::{
        environment, exit, stderr, stdin, stdout, terminal_input::TerminalInput, terminal_output::TerminalOutput,
        terminal_stderr, terminal_stdin, terminal_stdout,
    },
    clocks::{monotonic_clock, wall_clock},
    filesystem::{
        preopens,
        types::{
            Advice, Descriptor, DescriptorFlags, DirectoryEntryStream, NewTimestamp, OpenFlags, PathFlags,
            filesystem_error_code,
        },
    },
    io::{
        error::Error,
        poll::{self, Pollable},
        streams::{InputStream, OutputStream, StreamError},
    },
    random::{insecure, insecure_seed, random},
};

/// What came of each line.
pub fn run(script: &str) -> String {
    let mut held = Held::default();
    let steps: Vec<String> = script.lines().map(|line| held.step(line)).collect();
    steps.join("\n")
}

#[derive(Default)]
struct Held {
    pollables: Vec<Pollable>,
    inputs: Vec<InputStream>,
    outputs: Vec<OutputStream>,
    files: Vec<Descriptor>,
    entries: Vec<DirectoryEntryStream>,
    errors: Vec<Error>,
    terminals: (Vec<TerminalInput>, Vec<TerminalOutput>),
}

impl Held {
    fn step(&mut self, line: &str) -> String {
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        let number = rest.parse().unwrap_or(0);
        match name {
            // The same line again and again, keeping what it opens, or not.
            "hoard" => loop {
                self.step(rest);
            },
            "forever" => loop {
                let (pollables, entries) = (self.pollables.len(), self.entries.len());
                self.step(rest);
                self.pollables.truncate(pollables);
                self.entries.truncate(entries);
            },
            "panic" => {
                self.step("stderr");
                self.step(&format!("write {rest}"));
                std::process::abort()
            }
            "get-environment" => shown(environment::get_environment()),
            "get-arguments" => shown(environment::get_arguments()),
            "initial-cwd" => shown(environment::initial_cwd()),
            "exit" => {
                exit::exit(Err(()));
                shown(())
            }
            "exit-with-code" => {
                exit::exit_with_code(number as u8);
                shown(())
            }
            "stdin" => pushed(&mut self.inputs, stdin::get_stdin()),
            "stdout" => pushed(&mut self.outputs, stdout::get_stdout()),
            "stderr" => pushed(&mut self.outputs, stderr::get_stderr()),
            "terminals" => {
                self.terminals.0.extend(terminal_stdin::get_terminal_stdin());
                self.terminals.1.extend(terminal_stdout::get_terminal_stdout());
                self.terminals.1.extend(terminal_stderr::get_terminal_stderr());
                shown(self.terminals.0.len() + self.terminals.1.len())
            }
            "random-bytes" => shown(random::get_random_bytes(number)),
            "random-u64" => shown(random::get_random_u64()),
            "insecure-bytes" => shown(insecure::get_insecure_random_bytes(number)),
            "insecure-u64" => shown(insecure::get_insecure_random_u64()),
            "insecure-seed" => shown(insecure_seed::insecure_seed()),
            _ => self.clock(name, rest, number),
        }
    }

    fn clock(&mut self, name: &str, rest: &str, number: u64) -> String {
        match name {
            "now" => shown(monotonic_clock::now()),
            "resolution" => shown(monotonic_clock::resolution()),
            "subscribe-instant" => pushed(&mut self.pollables, monotonic_clock::subscribe_instant(number)),
            "subscribe-duration" => pushed(&mut self.pollables, monotonic_clock::subscribe_duration(number)),
            "wall-now" => shown(wall_clock::now()),
            "wall-resolution" => shown(wall_clock::resolution()),
            "ready" => with(&self.pollables, |pollable| shown(pollable.ready())),
            "block" => with(&self.pollables, |pollable| {
                pollable.block();
                shown(())
            }),
            "poll" => shown(poll::poll(&self.pollables.iter().collect::<Vec<_>>())),
            "drop-pollable" => shown(self.pollables.pop().is_some()),
            _ => self.stream(name, rest, number),
        }
    }

    fn stream(&mut self, name: &str, rest: &str, number: u64) -> String {
        let text = rest.replace("\\e", "\u{1b}");
        match name {
            "read" => with(&self.inputs, |stream| shown(stream.read(number))),
            "blocking-read" => with(&self.inputs, |stream| shown(stream.blocking_read(number))),
            "skip" => with(&self.inputs, |stream| shown(stream.skip(number))),
            "blocking-skip" => with(&self.inputs, |stream| shown(stream.blocking_skip(number))),
            "input-subscribe" => match self.inputs.last() {
                Some(stream) => pushed(&mut self.pollables, stream.subscribe()),
                None => "none".into(),
            },
            "check-write" => with(&self.outputs, |stream| shown(stream.check_write())),
            "write" => with(&self.outputs, |stream| shown(stream.write(text.as_bytes()))),
            "blocking-write-and-flush" => {
                with(&self.outputs, |stream| shown(stream.blocking_write_and_flush(text.as_bytes())))
            }
            "flood" => with(&self.outputs, |stream| shown(stream.write(&vec![b'x'; number as usize]))),
            "flush" => with(&self.outputs, |stream| shown(stream.flush())),
            "blocking-flush" => with(&self.outputs, |stream| shown(stream.blocking_flush())),
            "output-subscribe" => match self.outputs.last() {
                Some(stream) => pushed(&mut self.pollables, stream.subscribe()),
                None => "none".into(),
            },
            "write-zeroes" => with(&self.outputs, |stream| shown(stream.write_zeroes(number))),
            "blocking-write-zeroes-and-flush" => {
                with(&self.outputs, |stream| shown(stream.blocking_write_zeroes_and_flush(number)))
            }
            "splice" => self.splice(|to, from| to.splice(from, number)),
            "blocking-splice" => self.splice(|to, from| to.blocking_splice(from, number)),
            "drop-input" => shown(self.inputs.pop().is_some()),
            "drop-output" => shown(self.outputs.pop().is_some()),
            _ => self.file(name, rest, number),
        }
    }

    fn splice(&mut self, splice: impl Fn(&OutputStream, &InputStream) -> Result<u64, StreamError>) -> String {
        let (Some(to), Some(from)) = (self.outputs.last(), self.inputs.last()) else { return "none".into() };
        match splice(to, from) {
            Err(StreamError::LastOperationFailed(error)) => {
                let text = shown((error.to_debug_string(), filesystem_error_code(&error)));
                self.errors.push(error);
                text
            }
            spliced => shown(spliced),
        }
    }

    fn file(&mut self, name: &str, path: &str, number: u64) -> String {
        let follow = PathFlags::SYMLINK_FOLLOW;
        if name == "get-directories" {
            let directories = preopens::get_directories();
            let names: Vec<String> = directories.iter().map(|(_, name)| name.clone()).collect();
            self.files.extend(directories.into_iter().map(|(descriptor, _)| descriptor));
            return shown(names);
        }
        if name == "read-directory-entry" {
            return with(&self.entries, |entries| shown(entries.read_directory_entry()));
        }
        let Some(file) = self.files.last() else { return "none".into() };
        match name {
            "open" => match file.open_at(follow, path, OpenFlags::empty(), DescriptorFlags::READ) {
                Ok(opened) => pushed(&mut self.files, opened),
                Err(error) => shown(error),
            },
            "open-directory" => shown(file.open_at(follow, path, OpenFlags::DIRECTORY, DescriptorFlags::READ).is_ok()),
            "create" => shown(file.open_at(follow, path, OpenFlags::CREATE, DescriptorFlags::READ).map(drop)),
            "open-to-write" => shown(file.open_at(follow, path, OpenFlags::empty(), DescriptorFlags::WRITE).map(drop)),
            "read-via-stream" => match file.read_via_stream(number) {
                Ok(stream) => pushed(&mut self.inputs, stream),
                Err(error) => shown(error),
            },
            "read-directory" => match file.read_directory() {
                Ok(stream) => pushed(&mut self.entries, stream),
                Err(error) => shown(error),
            },
            "read-file" => shown(file.read(number, 1)),
            "stat" => shown(file.stat()),
            "stat-at" => shown(file.stat_at(follow, path)),
            "metadata-hash" => shown(file.metadata_hash()),
            "metadata-hash-at" => shown(file.metadata_hash_at(follow, path)),
            "is-same-object" => with(&self.files, |other| shown(file.is_same_object(other))),
            "get-flags" => shown(file.get_flags()),
            "get-type" => shown(file.get_type()),
            "advise" => shown(file.advise(0, number, Advice::Normal)),
            "sync" => shown(file.sync()),
            "sync-data" => shown(file.sync_data()),
            "readlink-at" => shown(file.readlink_at(path)),
            "drop-file" => shown(self.files.pop().is_some()),
            _ => changes(file, name, path, number),
        }
    }
}

fn changes(file: &Descriptor, name: &str, path: &str, number: u64) -> String {
    let follow = PathFlags::SYMLINK_FOLLOW;
    match name {
        "write-via-stream" => shown(file.write_via_stream(number).map(drop)),
        "append-via-stream" => shown(file.append_via_stream().map(drop)),
        "write-file" => shown(file.write(b"changed", number)),
        "set-size" => shown(file.set_size(number)),
        "set-times" => shown(file.set_times(NewTimestamp::Now, NewTimestamp::NoChange)),
        "set-times-at" => shown(file.set_times_at(follow, path, NewTimestamp::Now, NewTimestamp::NoChange)),
        "create-directory-at" => shown(file.create_directory_at(path)),
        "link-at" => shown(file.link_at(follow, path, file, "linked")),
        "remove-directory-at" => shown(file.remove_directory_at(path)),
        "rename-at" => shown(file.rename_at(path, file, "renamed")),
        "symlink-at" => shown(file.symlink_at(path, "linked")),
        "unlink-file-at" => shown(file.unlink_file_at(path)),
        _ => panic!("there is no function {name}"),
    }
}

fn shown(value: impl Debug) -> String {
    format!("{value:?}")
}

fn pushed<T>(stack: &mut Vec<T>, handle: T) -> String {
    stack.push(handle);
    "opened".into()
}

fn with<T>(stack: &[T], call: impl FnOnce(&T) -> String) -> String {
    stack.last().map_or_else(|| "none".into(), call)
}
