//! The surroundings of a process that has none.

use wasmtime::{Result, component::Resource};
use wasmtime_wasi::{
    I32Exit,
    p2::{
        DynInputStream, DynOutputStream,
        bindings::cli::{
            environment, exit, stderr, stdin, stdout, terminal_input, terminal_output, terminal_stderr, terminal_stdin,
            terminal_stdout,
        },
    },
};

use super::{
    CALL_FUEL, Wasi,
    output::Stdio,
    streams::{Source, Written},
};

impl environment::Host for Wasi {
    fn get_environment(&mut self) -> Result<Vec<(String, String)>> {
        self.pay(CALL_FUEL)?;
        Ok(Vec::new())
    }

    fn get_arguments(&mut self) -> Result<Vec<String>> {
        self.pay(CALL_FUEL)?;
        Ok(Vec::new())
    }

    fn initial_cwd(&mut self) -> Result<Option<String>> {
        self.pay(CALL_FUEL)?;
        Ok(None)
    }
}

impl exit::Host for Wasi {
    fn exit(&mut self, status: Result<(), ()>) -> Result<()> {
        Err(I32Exit(i32::from(status.is_err())).into())
    }

    fn exit_with_code(&mut self, code: u8) -> Result<()> {
        Err(I32Exit(code.into()).into())
    }
}

impl stdin::Host for Wasi {
    fn get_stdin(&mut self) -> Result<Resource<DynInputStream>> {
        self.pay(CALL_FUEL)?;
        self.keep(Source::default())
    }
}

impl stdout::Host for Wasi {
    fn get_stdout(&mut self) -> Result<Resource<DynOutputStream>> {
        self.pay(CALL_FUEL)?;
        self.keep(Written(Stdio::Stdout))
    }
}

impl stderr::Host for Wasi {
    fn get_stderr(&mut self) -> Result<Resource<DynOutputStream>> {
        self.pay(CALL_FUEL)?;
        self.keep(Written(Stdio::Stderr))
    }
}

/// What no call ever hands out.
enum Terminal {}

impl terminal_input::Host for Wasi {}

impl terminal_input::HostTerminalInput for Wasi {
    fn drop(&mut self, terminal: Resource<terminal_input::TerminalInput>) -> Result<()> {
        self.dropped::<Terminal, _>(&terminal)
    }
}

impl terminal_output::Host for Wasi {}

impl terminal_output::HostTerminalOutput for Wasi {
    fn drop(&mut self, terminal: Resource<terminal_output::TerminalOutput>) -> Result<()> {
        self.dropped::<Terminal, _>(&terminal)
    }
}

impl terminal_stdin::Host for Wasi {
    fn get_terminal_stdin(&mut self) -> Result<Option<Resource<terminal_input::TerminalInput>>> {
        self.pay(CALL_FUEL)?;
        Ok(None)
    }
}

impl terminal_stdout::Host for Wasi {
    fn get_terminal_stdout(&mut self) -> Result<Option<Resource<terminal_output::TerminalOutput>>> {
        self.pay(CALL_FUEL)?;
        Ok(None)
    }
}

impl terminal_stderr::Host for Wasi {
    fn get_terminal_stderr(&mut self) -> Result<Option<Resource<terminal_output::TerminalOutput>>> {
        self.pay(CALL_FUEL)?;
        Ok(None)
    }
}
