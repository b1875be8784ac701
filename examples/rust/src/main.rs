// SPDX-License-Identifier: Apache-2.0
//! Tally counts, durably, from as many threads as you like, and can go back.
//!
//!     tally STORE add NAME [COUNT [THREADS]]   adds 1 COUNT times, from THREADS threads at once; tells every hundredth
//!     tally STORE show                         all tallies
//!     tally STORE history NAME                 its latest states, newest first
//!     tally STORE back NAME VERSION            makes an older state the newest one
//!
//! No lock guards a tally: whoever adds reads it, and writes it only if it is still what was read (the etag tells);
//! otherwise someone else was quicker, and it is tried again. So no count is lost, among threads and through crashes.
//! Build: cargo build (it asks pkg-config for jzse).
mod jzse;

use jzse::{Only, Store};
use std::error::Error;
use std::process::ExitCode;

type Failure = Box<dyn Error + Send + Sync>;

fn parse(content: &[u8]) -> Result<u64, Failure> {
    Ok(std::str::from_utf8(content)?.trim().parse()?)
}

/// One more; how often someone else was quicker.
fn add_one(store: &Store, path: &str) -> Result<u64, Failure> {
    let mut lost = 0;
    loop {
        let (value, written) = match store.get(path) {
            Ok((content, info)) => {
                let value = parse(&content)? + 1;
                (value, store.put(path, format!("{value}\n").as_bytes(), Only::IfSame(&info.etag)))
            }
            Err(error) if error.code == jzse::NOT_FOUND => (1, store.put(path, b"1\n", Only::IfAbsent)),
            Err(error) => (0, Err(error)),
        };
        match written {
            Ok(_) => {
                if value % 100 == 0 {
                    println!("{value}..."); // on disk, whatever happens now
                }
                return Ok(lost);
            }
            Err(error) if error.code == jzse::PRECONDITION => lost += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

fn add(store: &Store, name: &str, count: u64, threads: u64) -> Result<(), Failure> {
    let path = format!("tallies/{name}");
    let mut lost = 0;
    std::thread::scope(|scope| {
        let share = |i| count / threads + u64::from(i < count % threads);
        let workers: Vec<_> = (0..threads)
            .map(|i| {
                let path = &path;
                scope.spawn(move || (0..share(i)).try_fold(0, |lost, _| Ok(lost + add_one(store, path)?)))
            })
            .collect();
        for worker in workers {
            let worked: Result<u64, Failure> = worker.join().map_err(|_| "a thread panicked")?;
            lost += worked?;
        }
        Ok::<(), Failure>(())
    })?;
    let (content, info) = store.get(&path)?;
    println!("{name} {} (version {}, {lost} tries were too late)", parse(&content)?, info.version);
    Ok(())
}

fn run(arguments: &[String]) -> Result<(), Failure> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [folder, command @ ..] = words.as_slice() else {
        return Err("usage: tally STORE add NAME [COUNT [THREADS]] | show | history NAME | back NAME VERSION".into());
    };
    let store = Store::open(folder)?;
    match command {
        ["add", name] => add(&store, name, 1, 1)?,
        ["add", name, count] => add(&store, name, count.parse()?, 1)?,
        ["add", name, count, threads] => add(&store, name, count.parse()?, threads.parse::<u64>()?.clamp(1, 64))?,
        ["show"] => {
            for entry in store.list()? {
                let entry = entry?;
                println!("{} {}", entry.path.trim_start_matches("tallies/"), parse(&store.get(&entry.path)?.0)?);
            }
        }
        ["history", name] => {
            for entry in store.versions(&format!("tallies/{name}"))?.take(20) {
                let entry = entry?;
                println!("version {} of {} bytes, {} ms after 1970", entry.version, entry.size, entry.changed_ms);
            }
        }
        ["back", name, version] => {
            let info = store.restore(&format!("tallies/{name}"), version.parse()?)?;
            println!("{name} is version {} now", info.version);
        }
        _ => return Err("no such command, or another number of arguments".into()),
    }
    Ok(store.close()?)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tally: {error}");
            ExitCode::FAILURE
        }
    }
}
