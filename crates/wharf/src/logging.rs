//! The application's log on standard error: text for a terminal, JSON for everything else, or what was asked for.
//!
//! One event is one line, whatever is in it: control characters, escape sequences for terminals and characters that
//! turn text around are written as escapes. The fields of the spans around an event (the ID of the request, say) stand
//! on its line, before its own.

mod fields;
mod render;

use std::ffi::OsStr;
use std::io::{IsTerminal as _, Write};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::SetGlobalDefaultError;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Scope};
use wharf_server::config::{Log, LogFormat, LogLevel};

use fields::Fields;
use render::Style;

/// Starts logging to standard error for the whole process, as the configuration says; where it names no format, text
/// for a terminal and JSON otherwise. wharf's own events are logged from the configured level up, those of libraries if
/// they are warnings at least. Fails when logging was started before.
pub(crate) fn init(log: &Log) -> Result<(), SetGlobalDefaultError> {
    let output = std::io::stderr();
    let is_terminal = output.is_terminal();
    let variable = |name| std::env::var_os(name);
    let style = Style {
        format: log.format.unwrap_or(default_format(is_terminal)),
        colour: is_terminal && wants_colour(variable("NO_COLOR").as_deref(), variable("TERM").as_deref()),
    };
    let lines = Lines {
        style,
        fields: log.fields.clone(),
        now: Timestamp::now,
        output: Mutex::new(output),
    };
    let lines = lines.with_filter(filter(level(log.level)));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines))
}

fn default_format(is_terminal: bool) -> LogFormat {
    if is_terminal { LogFormat::Text } else { LogFormat::Json }
}

fn level(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    }
}

/// Whether a terminal should get colours: not when its user says no, nor when it can't show any.
fn wants_colour(no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    no_color.is_none_or(OsStr::is_empty) && term.is_none_or(|term| term != "dumb")
}

/// wharf's crates at `level`, libraries at warnings or less.
fn filter(level: LevelFilter) -> Targets {
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("wharf", level)
}

/// Writes each event as a line.
#[derive(Debug)]
struct Lines<W> {
    style: Style,
    fields: Map<String, Value>,
    now: fn() -> Timestamp,
    output: Mutex<W>,
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Write + Send + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().replace(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                fields.extend(of_span);
            }
        }
        event.record(&mut fields);
        let line = self
            .style
            .line((self.now)(), *event.metadata().level(), &fields, &self.fields);
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        // When standard error is gone there is nobody to tell.
        let _ = output.write_all(line.as_bytes());
    }
}

#[cfg(test)]
mod tests;
