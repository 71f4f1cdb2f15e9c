//! Model files that are not regular files.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Command;

use crate::folder::Model;

/// Every file that a fixture has, by its path in the folder.
fn models() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut models = vec![("static-f32", vec!["config.json", "model.safetensors", "tokenizer.json"])];
    if cfg!(feature = "transformer") {
        models.push((
            "bert-tiny-mean",
            vec![
                "config.json",
                "model.safetensors",
                "tokenizer.json",
                "modules.json",
                "1_Pooling/config.json",
                "sentence_bert_config.json",
                // Files that the fixture lacks and that a model can have.
                "tokenizer_config.json",
                "config_sentence_transformers.json",
            ],
        ));
    }
    models
}

fn for_each_file(put: impl Fn(&std::path::Path), words: &[&str]) {
    for (name, files) in models() {
        for file in files {
            let model = Model::copy_of(name);
            let path = model.path(file);
            drop(fs::remove_file(&path));
            put(&path);
            model.is_refused(&[&[file], words].concat());
        }
    }
}

#[test]
fn a_pipe_is_not_waited_for() {
    let regular = ["a regular file", "a pipe"];
    for_each_file(|path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success()), &regular);
}

#[test]
fn a_device_or_a_socket_is_not_opened() {
    for_each_file(|path| symlink("/dev/zero", path).unwrap(), &["a regular file", "a device"]);
    for_each_file(|path| drop(UnixListener::bind(path).unwrap()), &["a regular file", "a socket"]);
}

#[test]
fn a_folder_is_no_file() {
    for_each_file(|path| fs::create_dir(path).unwrap(), &["a regular file", "a folder"]);
}

#[test]
fn a_huge_file_is_not_read() {
    for (name, files) in models() {
        for file in files {
            let model = Model::copy_of(name);
            // A sparse file takes no space.
            let most: u64 = match file {
                "model.safetensors" => 16 << 30,
                "tokenizer.json" => 64 << 20,
                _ => 16 << 20,
            };
            let opened = fs::OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(model.path(file))
                .unwrap();
            if let Err(error) = opened.set_len(most + 1) {
                eprintln!("skipped: no sparse file of {most} bytes here: {error}");
                continue;
            }
            model.is_refused(&[file, &format!("at most {most} bytes"), &format!("{} bytes", most + 1)]);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_regular_file_that_says_nothing_of_its_length() {
    // A regular file of length 0 that the system generates while it is read.
    for_each_file(|path| symlink("/proc/self/status", path).unwrap(), &["expected"]);
}
