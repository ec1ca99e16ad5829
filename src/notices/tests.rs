//! What arrives, over real sockets of this machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use super::*;
use crate::progress::Silent;

fn message() -> Message {
    let step =
        MessageStep { kind: "snapshot".into(), state: "failed".into(), message: None, figures: [("files-new".to_owned(), 3)].into() };
    let text = |text: &str| text.to_owned();
    Message {
        event: text("failed"),
        job: text("shop"),
        state: text("failed"),
        host: text("desk"),
        begun_at: text("2026-11-22T18:00:00Z"),
        ended_at: text("2026-11-22T18:01:00Z"),
        steps: vec![step],
    }
}

/// Answers one call and returns what it heard.
fn answer(status: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/x", listener.local_addr().unwrap());
    let heard = std::thread::spawn(move || {
        let mut reader = BufReader::new(listener.accept().unwrap().0);
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        write!(reader.get_mut(), "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        head + &String::from_utf8(body).unwrap()
    });
    (address, heard)
}

#[test]
fn json_arrives_at_an_address_and_names_no_path() {
    let (address, heard) = answer("204 No Content");
    post(&address, &message()).unwrap();
    let heard = heard.join().unwrap();
    assert!(heard.starts_with("POST /x HTTP/1.1\r\n") && heard.contains("application/json"), "{heard}");
    let json: serde_json::Value = serde_json::from_str(&heard[heard.find('{').unwrap()..]).unwrap();
    assert_eq!((json["event"].as_str(), json["steps"][0]["figures"]["files-new"].as_u64()), (Some("failed"), Some(3)));
    assert!(json["steps"][0].get("message").is_none());
}

#[test]
fn an_address_that_does_not_take_it_is_an_error_that_does_not_name_it() {
    let (address, heard) = answer("500 Internal Server Error");
    let error = ask(&address).unwrap_err().to_string();
    assert_eq!(error, "the address could not be told: it answered 500");
    assert!(heard.join().unwrap().starts_with("GET /x"));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(!ask(&format!("http://{closed}/secret")).unwrap_err().to_string().contains("secret"));
}

#[test]
fn a_program_gets_words_in_its_environment_and_json_on_its_input() {
    let folder = tempfile::tempdir().unwrap();
    let said = folder.path().join("said");
    let line = format!("echo \"$REPO_EVENT $REPO_JOB: $REPO_SENTENCE\" > {0}; cat >> {0}", said.display());
    run_program(&["sh".to_owned(), "-c".to_owned(), line], &message(), &Silent).unwrap();
    let said = std::fs::read_to_string(said).unwrap();
    assert!(said.starts_with("failed shop: shop on desk failed (snapshot)\n{\"event\":\"failed\""), "{said}");
    assert!(run_program(&["false".to_owned()], &message(), &Silent).is_err());
}

#[test]
fn a_letter_goes_through_a_server_of_this_machine() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap().to_string();
    let heard = std::thread::spawn(move || serve_mail(listener.accept().unwrap().0));
    let mail = Mail { to: "owner@example.com".into(), from: None, server: Some(server), login: None };
    send_mail(&mail, "anna", &message(), &Silent).unwrap();
    let letter = heard.join().unwrap();
    assert!(letter.contains("From: anna@desk\r\n") && letter.contains("To: owner@example.com\r\n"), "{letter}");
    assert!(letter.contains("Subject: [repo] shop on desk failed (snapshot)\r\n") && letter.contains("snapshot: failed"), "{letter}");
    let wrong = Mail { to: "nobody".into(), ..mail };
    assert!(send_mail(&wrong, "anna", &message(), &Silent).is_err());
}

/// As little of a server of mail as a letter needs.
fn serve_mail(stream: TcpStream) -> String {
    let (mut reader, mut writer) = (BufReader::new(stream.try_clone().unwrap()), stream);
    writer.write_all(b"220 here\r\n").unwrap();
    let mut letter = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() == 0 {
            return letter;
        }
        let answer = match line.get(..4) {
            Some("DATA") => {
                writer.write_all(b"354 go on\r\n").unwrap();
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if line == ".\r\n" {
                        break;
                    }
                    letter.push_str(&line);
                }
                "250 taken\r\n"
            }
            Some("QUIT") => "221 bye\r\n",
            _ => "250 fine\r\n",
        };
        writer.write_all(answer.as_bytes()).unwrap();
    }
}
