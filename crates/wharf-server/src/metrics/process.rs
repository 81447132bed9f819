//! What the kernel says about this process, under the names every Prometheus client uses.
//!
//! Read from `/proc` at each scrape; what can't be read is left out.

use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Clock ticks per second in `/proc`: a constant of the kernel's interface on every architecture wharf is built for.
const TICKS_PER_SECOND: f64 = 100.0;

/// Collects the metrics of the process it is in.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        if let Some(times) = times() {
            let cpu = ConstCounter::new(times.cpu_seconds);
            let help = "Total user and system CPU time spent in seconds.";
            cpu.encode(encoder.encode_descriptor("process_cpu_seconds", help, None, cpu.metric_type())?)?;
            let help = "Start time of the process since unix epoch in seconds.";
            gauge(&mut encoder, "process_start_time_seconds", help, times.started_at)?;
        }
        let numbers = [
            ("process_open_fds", "Number of open file descriptors.", open_files()),
            (
                "process_max_fds",
                "Maximum number of open file descriptors.",
                max_files(),
            ),
            (
                "process_resident_memory_bytes",
                "Resident memory size in bytes.",
                status_bytes("VmRSS:"),
            ),
            (
                "process_virtual_memory_bytes",
                "Virtual memory size in bytes.",
                status_bytes("VmSize:"),
            ),
            ("process_threads", "Number of threads.", status_number("Threads:")),
        ];
        for (name, help, number) in numbers {
            if let Some(number) = number {
                gauge(&mut encoder, name, help, number)?;
            }
        }
        Ok(())
    }
}

fn gauge(encoder: &mut DescriptorEncoder, name: &str, help: &str, value: f64) -> Result<(), std::fmt::Error> {
    let gauge = ConstGauge::new(value);
    gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
}

struct Times {
    cpu_seconds: f64,
    started_at: f64,
}

/// CPU time and start time of this process.
fn times() -> Option<Times> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program is the second field, in parentheses, and may itself hold spaces and parentheses.
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_ascii_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3).and_then(|text| text.parse::<f64>().ok());
    let kernel = fs::read_to_string("/proc/stat").ok()?;
    let booted = kernel
        .lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse::<f64>()
        .ok()?;
    Some(Times {
        cpu_seconds: (ticks(14)? + ticks(15)?) / TICKS_PER_SECOND,
        started_at: booted + ticks(22)? / TICKS_PER_SECOND,
    })
}

fn open_files() -> Option<f64> {
    let open = fs::read_dir("/proc/self/fd").ok()?.count();
    // One of them is the directory that was just read.
    u32::try_from(open).ok().map(|open| f64::from(open.saturating_sub(1)))
}

fn max_files() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse::<u32>().ok().map(f64::from)
}

/// A line of `/proc/self/status` that counts KiB, in bytes.
fn status_bytes(key: &str) -> Option<f64> {
    status_number(key).map(|kib| kib * 1024.0)
}

fn status_number(key: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}
