//! Where records are written: by one thread of its own, many at a time.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    time::Duration,
};

use tokio::sync::oneshot;

use crate::{metrics::Metrics, outcome::Fault};

/// Records that wait to be written.
const QUEUE: usize = 10_000;
/// Records that are written at once.
const BATCH: usize = 512;

/// The way to the thread that writes.
pub(super) struct Sink {
    queue: SyncSender<Line>,
    metrics: Arc<Metrics>,
}

struct Line {
    bytes: Vec<u8>,
    /// Who waits until it is safe.
    safe: Option<oneshot::Sender<Result<(), String>>>,
}

struct Writer {
    stdout: bool,
    path: Option<PathBuf>,
    file: Option<File>,
    /// The last write broke off: what is there is no whole line.
    torn: bool,
    metrics: Arc<Metrics>,
}

impl Sink {
    /// Opens the file and starts the thread.
    pub(super) fn start(stdout: bool, path: Option<PathBuf>, metrics: Arc<Metrics>) -> Result<Self, Fault> {
        let mut writer = Writer { stdout, path, file: None, torn: false, metrics: metrics.clone() };
        writer.open().map_err(|e| Fault::new("decision log", e))?;
        let (queue, lines) = sync_channel(QUEUE);
        std::thread::Builder::new()
            .name("decision-log".to_owned())
            .spawn(move || writer.run(&lines))
            .map_err(|e| Fault::new("decision log", e))?;
        Ok(Self { queue, metrics })
    }

    /// Writes a line if there is room in the queue; else it is counted.
    pub(super) fn offer(&self, bytes: Vec<u8>) {
        if self.queue.try_send(Line { bytes, safe: None }).is_err() {
            self.metrics.decision_log_dropped(1);
        }
    }

    /// Writes a line, and waits until it is safe from a crash, but not for ever: a disk that hangs would hold up every
    /// request. The line may still be written afterwards.
    pub(super) async fn write(&self, bytes: Vec<u8>, patience: Duration) -> Result<(), Fault> {
        let (safe, written) = oneshot::channel();
        self.queue.try_send(Line { bytes, safe: Some(safe) }).map_err(|e| {
            let why = match e {
                TrySendError::Full(_) => "too many records wait to be written",
                TrySendError::Disconnected(_) => "nobody writes records any more",
            };
            Fault::new("decision log", why)
        })?;
        match tokio::time::timeout(patience, written).await {
            Ok(Ok(written)) => written.map_err(|e| Fault::new("decision log", e)),
            Err(_) => Err(Fault::new("decision log", "the record is not written in time")),
            Ok(Err(_)) => Err(Fault::new("decision log", "nobody writes records any more")),
        }
    }
}

impl Writer {
    fn run(mut self, lines: &Receiver<Line>) {
        while let Ok(first) = lines.recv() {
            let mut batch = vec![first];
            batch.extend(lines.try_iter().take(BATCH - 1));
            let bytes: Vec<u8> = batch.iter().flat_map(|line| line.bytes.iter().copied()).collect();
            let durable = batch.iter().any(|line| line.safe.is_some());
            let written = self.write(&bytes, durable).map_err(|e| e.to_string());
            if let Err(error) = &written {
                tracing::error!(%error, "records of decisions could not be written");
                let lost = batch.iter().filter(|line| line.safe.is_none()).count();
                self.metrics.decision_log_dropped(lost as u64);
            }
            for safe in batch.into_iter().filter_map(|line| line.safe) {
                // Who hung up does not wait any more.
                let _ = safe.send(written.clone());
            }
        }
    }

    fn write(&mut self, bytes: &[u8], durable: bool) -> io::Result<()> {
        if self.stdout {
            let mut out = io::stdout().lock();
            let printed = out.write_all(bytes).and_then(|()| out.flush());
            if self.path.is_none() {
                return printed;
            }
        }
        self.open()?;
        let torn = std::mem::replace(&mut self.torn, true);
        let Some(file) = &mut self.file else { return Err(io::Error::other("the file is not open")) };
        if torn {
            file.write_all(b"\n")?;
        }
        file.write_all(bytes)?;
        if durable {
            file.sync_data()?;
        }
        self.torn = false;
        Ok(())
    }

    /// Opens the file, again if it was moved away.
    fn open(&mut self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        if let Some(file) = &self.file
            && let (Ok(there), Ok(ours)) = (std::fs::metadata(path), file.metadata())
            && (there.dev(), there.ino()) == (ours.dev(), ours.ino())
        {
            return Ok(());
        }
        let opened = OpenOptions::new().create(true).append(true).open(path);
        let named = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", path.display()));
        self.file = Some(opened.map_err(named)?);
        self.torn = false;
        Ok(())
    }
}
