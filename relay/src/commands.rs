//! What the program does with files while no relay runs, and what it says of it.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use bayou_core::{ReaderState, limits::READER_STATE_BYTES_MAX};
use bayou_relay::{ExportFailed, Exported, Importer, export};

use crate::{
    arguments::{Export, Import},
    open_existing_store, start_runtime,
};

/// Writes what a database holds into files. That the store is damaged is an error even where something could be read.
pub(crate) fn export_files(arguments: &Export) -> Result<(), String> {
    let Export { data, database, reader, .. } = arguments;
    let reader = reader.as_deref().map(read_reader).transpose()?;
    let store = open_existing_store(data)?;
    let names = arguments.clone();
    let mut number = 0;
    let write = move |file: Vec<u8>| {
        number += 1;
        write_new(&names.file(number), &file)
    };
    let exported = start_runtime()?
        .block_on(export(&store, database, reader, arguments.file_bytes_max(), write))
        .map_err(|error| {
            let advice = match error {
                ExportFailed::NoDatabase => "Check --data and --database.",
                ExportFailed::Write(_) => "Choose another name with --out, or check the disk.",
                ExportFailed::Refused(_) => "Check --reader and --max-mib.",
                _ => "Check the disk, or restore the folder from a copy.",
            };
            format!("Database {database} in {} was not exported ({error}). {advice}", data.display())
        })?;
    let Exported { files, csn, damage } = exported;
    let written = match files {
        1 => format!("to {}", arguments.file(1).display()),
        _ => format!("to {} files, {} to {}", files, arguments.file(1).display(), arguments.file(files).display()),
    };
    match damage {
        None => {
            println!("Exported database {database}, through commit {csn}, {written}.");
            Ok(())
        }
        Some(damage) => Err(format!(
            "The store of database {database} in {} is damaged ({}); exported what could be read, through commit {csn}, \
             {written}, without {} writes and other changes that do not fit it.",
            data.display(),
            damage.fault,
            damage.left_out
        )),
    }
}

/// Imports files one after the other. Those before one that cannot be used stay imported.
pub(crate) fn import_files(arguments: &Import) -> Result<(), String> {
    let Import { data, database, files } = arguments;
    let store = open_existing_store(data)?;
    start_runtime()?.block_on(async {
        let mut importer = Importer::open(store, database).await.map_err(|error| {
            format!(
                "Nothing was imported into database {database} in {} ({error}). Check --data and --database.",
                data.display()
            )
        })?;
        for (index, path) in files.iter().enumerate() {
            let stays = if index == 0 { "nothing has changed" } else { "what was imported before it stays" };
            let file = fs::read(path).map_err(|error| {
                format!("{} cannot be read ({error}); {stays}. Check its name and permissions.", path.display())
            })?;
            let import = importer.import(&file).await.map_err(|error| {
                format!(
                    "{} was not imported ({error}); {stays}. Check that it is the right file and whole.",
                    path.display()
                )
            })?;
            let as_data = import.installed.map_or_else(String::new, |csn| format!(" and the data as of commit {csn}"));
            println!(
                "Imported {}, with {} new writes{as_data}; held through commit {}.",
                path.display(),
                import.writes,
                importer.csn()
            );
            if let Some(reason) = import.stopped {
                println!("What follows in it was not taken: {reason}.");
            } else if !import.complete {
                println!("Some of it was left out, which a replica that is met over a link knows better.");
            }
            if import.more && index + 1 == files.len() {
                println!("Its chain goes on with another file.");
            }
        }
        Ok(())
    })
}

fn read_reader(path: &Path) -> Result<ReaderState, String> {
    let unusable = |error: &dyn std::fmt::Display| {
        format!("What the reader says of itself in {} cannot be used ({error}); have it written anew.", path.display())
    };
    // One byte more than allowed is enough to tell.
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| unusable(&error))?;
    io::Read::read_to_end(&mut io::Read::take(file, READER_STATE_BYTES_MAX as u64 + 1), &mut bytes)
        .map_err(|error| unusable(&error))?;
    ReaderState::from_bytes(&bytes).map_err(|error| unusable(&error))
}

/// Writes a file that was not there, durably; what could not be written whole is taken away.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let mut file = File::create_new(path).map_err(named)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        // That it stays is no harm: a file that is cut short is refused.
        let _ = fs::remove_file(path);
    }
    written.map_err(named)
}
