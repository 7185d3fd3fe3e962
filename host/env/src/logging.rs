//! Log messages of libraries, on standard error, and what a closed pipe does to a program.

use std::fmt;

use azr_core::terminal;
use clap::Args;
use tracing::{Event, Level, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// How much a program says.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Verbosity {
    /// Say more of what happens; twice for everything.
    #[arg(short, long, action = clap::ArgAction::Count, global = true, display_order = 900)]
    pub verbose: u8,

    /// Say nothing but warnings and errors.
    #[arg(short, long, global = true, conflicts_with = "verbose", display_order = 901)]
    pub quiet: bool,
}

impl Verbosity {
    /// From now on what libraries say goes to standard error, each line with the name of the program.
    pub fn start(self, program: &'static str) {
        let level = match (self.quiet, self.verbose) {
            (true, _) => LevelFilter::WARN,
            (false, 0) => LevelFilter::INFO,
            (false, 1) => LevelFilter::DEBUG,
            (false, _) => LevelFilter::TRACE,
        };
        let subscriber = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
        // A second start, by a program that embeds this one, keeps the first one's.
        let _ = tracing::subscriber::set_global_default(subscriber.event_format(Lines(program)).finish());
    }
}

/// `azr-env: message`, with the level where it is not the usual one.
struct Lines(&'static str);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        write!(writer, "{}: ", self.0)?;
        match *event.metadata().level() {
            Level::INFO => {}
            Level::WARN => write!(writer, "warning: ")?,
            Level::ERROR => write!(writer, "error: ")?,
            level => write!(writer, "{}: {}: ", level.as_str().to_lowercase(), event.metadata().target())?,
        }
        let mut message = String::new();
        context.format_fields(Writer::new(&mut message), event)?;
        // Strangers' words are in it, such as the name of an import.
        writeln!(writer, "{}", terminal::line(&message))
    }
}

/// Lets the end of a pipe end this process quietly, as `head` expects. Not for programs that serve or train: there a
/// connection that is closed must not end everything.
pub fn end_with_the_pipe() {
    // SAFETY: no thread runs yet that could meet the signal, and the default action is always a valid one.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}
