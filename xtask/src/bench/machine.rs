//! Where and with what it was measured: no host name, no path.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::servers::Programs;
use crate::{debian, root};

/// What the figures depend on.
#[derive(Debug)]
pub(crate) struct Machine {
    /// The day, `YYYY-MM-DD`.
    pub(crate) date: String,
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
    pub(crate) filesystem: String,
}

impl Machine {
    /// This one; the filesystem is that of a directory.
    pub(crate) fn this(dir: &Path) -> anyhow::Result<Self> {
        let read = |path| fs::read_to_string(path).with_context(|| format!("cannot read `{path}`"));
        let mut date = root::command("date");
        let mut df = root::command("df");
        let filesystem = root::output(df.arg("--output=fstype").arg(dir))?;
        Ok(Self {
            date: root::output(date.args(["-u", "+%F"]))?.trim().to_owned(),
            processor: processor(&read("/proc/cpuinfo")?),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: memory_gib(&read("/proc/meminfo")?),
            kernel: read("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            filesystem: filesystem.lines().last().unwrap_or_default().trim().to_owned(),
        })
    }
}

/// The model, from the text of `/proc/cpuinfo`.
fn processor(cpuinfo: &str) -> String {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"));
    let model = line.and_then(|line| line.split_once(':'));
    model
        .map_or("of an unknown model", |(_, model)| model.trim())
        .to_owned()
}

/// The memory, from the text of `/proc/meminfo`, rounded up to whole GiB as it is sold.
fn memory_gib(meminfo: &str) -> u64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default().div_ceil(1 << 20)
}

/// The versions of everything that was measured or measured with.
#[derive(Debug)]
pub(crate) struct Versions(pub(crate) Vec<String>);

impl Versions {
    /// Those of the programs; `ours` when wharf was built from this tree.
    pub(crate) fn of(programs: &Programs, ours: bool) -> anyhow::Result<Self> {
        let mut wharf = std::process::Command::new(&programs.wharf);
        let mut wharf = root::output(wharf.arg("--version"))?.trim().to_owned();
        if ours {
            let revision = root::output(root::command("git").args(["describe", "--always", "--dirty", "--exclude=*"]))?;
            wharf = format!("{wharf} ({})", revision.trim());
        }
        let mut versions = vec![wharf];
        versions.extend(debian::versions(&["docker-registry", "nginx", "wrk"])?);
        versions.push(match &programs.registry3 {
            Some(program) => {
                let output = root::output(root::command(&program.to_string_lossy()).arg("--version"))?;
                format!("registry 3: {}", output.split_whitespace().last().unwrap_or_default())
            }
            None => "registry 3: not measured, there is no Go to build it with".to_owned(),
        });
        Ok(Self(versions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_described() {
        assert_eq!(
            processor("processor\t: 0\nmodel name\t: A CPU @ 3 GHz\n"),
            "A CPU @ 3 GHz"
        );
        assert_eq!(processor(""), "of an unknown model");
        assert_eq!(memory_gib("MemTotal:       24601234 kB\nMemFree: 1 kB\n"), 24);
    }
}
