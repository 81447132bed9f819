//! `health`: what is checked, and how often.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::address::TcpAddress;
use crate::config::model::{CheckTimes, FileCheck, Health, TcpCheck};
use crate::config::reader::{LEAST, Reader};

const INTERVAL: Duration = Duration::from_secs(10);
/// registry:2 waits without end; a check that hangs would report nothing.
const TCP_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn health(reader: &mut Reader<'_>) -> Health {
    let storage_enabled = reader.boolean("health.storagedriver.enabled", false);
    let storage_times = times(reader, "health.storagedriver");
    let files = 0..reader.list_length("health.file");
    let tcp = 0..reader.list_length("health.tcp");
    Health {
        storage: storage_enabled.then_some(storage_times),
        files: files
            .filter_map(|index| file(reader, &format!("health.file.{index}")))
            .collect(),
        tcp: tcp
            .filter_map(|index| tcp_check(reader, &format!("health.tcp.{index}")))
            .collect(),
    }
}

fn times(reader: &mut Reader<'_>, section: &str) -> CheckTimes {
    CheckTimes {
        interval: reader.duration(&format!("{section}.interval"), INTERVAL, LEAST),
        threshold: reader.count(&format!("{section}.threshold"), 1),
    }
}

fn file(reader: &mut Reader<'_>, section: &str) -> Option<FileCheck> {
    let key = format!("{section}.file");
    let Some(path) = reader.text(&key, "") else {
        reader.refuse(&key, "the path of a file");
        return None;
    };
    Some(FileCheck {
        path: PathBuf::from(path),
        times: times(reader, section),
    })
}

fn tcp_check(reader: &mut Reader<'_>, section: &str) -> Option<TcpCheck> {
    let key = format!("{section}.addr");
    let address: Option<TcpAddress> = reader.parsed(&key, "HOST:PORT", "");
    let timeout = reader.duration(&format!("{section}.timeout"), TCP_TIMEOUT, LEAST);
    let times = times(reader, section);
    match address {
        Some(address) if address.host().is_some() => Some(TcpCheck {
            address,
            timeout,
            times,
        }),
        Some(_) => {
            reader.refuse(&key, "HOST:PORT");
            None
        }
        None => {
            if reader.node(&key).is_none() {
                reader.refuse(&key, "HOST:PORT");
            }
            None
        }
    }
}
