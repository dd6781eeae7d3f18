//! Mail with files: taken out, held, refused or handed to whoever encrypts, as the configuration says.

use sha2::{Digest, Sha256};

use super::*;

const ACTIONS: &str = r#"[actions]
clean = "deliver"
spam = "encrypt"
infected = "reject"
files = { executable = "strip", encrypted = "quarantine" }
[texts]
stripped = "{brand} took {file} away"
"#;

fn hex(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A letter with a file; its body is given in base64.
fn with_file(name: &str, base64: &str) -> String {
    format!(
        "From: a@example.org\r\nSubject: files\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\n\r\nHello = \r\n--b\r\nContent-Type: application/octet-stream; name=\"{name}\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{base64}\r\n--b--\r\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_gives_way_to_a_notice_and_all_else_stays() {
    let world = World::start("files-strip", ACTIONS).await;
    let mut client = world.connect(SMTP).await;
    // `MZ` and what makes it a program.
    let sent = with_file("invoice.pdf", "TVqQAAMAAAAEAAAA//8AALgAAAA=");
    assert!(client.send(&["bob@example.com"], &sent).await.starts_with("250"));
    world.until("delivered", || world.arrived().len() == 1).await;
    let (_, content) = world.arrived().remove(0);
    let (before, after) = sent.split_once("Content-Type: application").unwrap();
    assert!(content.contains(before), "what stands before the file stays: {content}");
    assert!(content.contains("mx.example.com took invoice.pdf away\r\n--b--\r\n"), "{content}");
    assert!(!content.contains("TVqQ") && after.ends_with("--b--\r\n"));
    assert!(content.contains("X-XD-Class: clean\r\n"), "the verdict is told: {content}");
    let is_acceptance = |record: &JournalRecord| matches!(record.event, JournalEvent::Acceptance(_));
    // The journal may come later than the next server.
    world.until("recorded", || world.journal().iter().any(is_acceptance)).await;
    let journal = world.journal();
    let acceptance = journal.iter().find_map(|record| match &record.event {
        JournalEvent::Acceptance(acceptance) => Some(acceptance),
        _ => None,
    });
    let acceptance = acceptance.unwrap();
    // The client ends the last line.
    assert_eq!(acceptance.sha256_received, hex(&format!("{sent}\r\n")));
    assert_eq!(acceptance.sha256_spooled, hex(&content));
    let action = acceptance.actions.iter().find(|action| action.starts_with("strip ")).unwrap();
    assert!(action.starts_with("strip invoice.pdf (executable) sha256:"), "{action}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_class_may_strip_and_harmless_files_stay() {
    let world = World::start("files-class", "[actions]\nclean = \"strip\"\n").await;
    let mut client = world.connect(SMTP).await;
    let (harmless, program) = (with_file("notes.txt", "SGVsbG8="), with_file("tool.exe", "TVqQAAMAAAAEAAAA//8AALgAAAA="));
    for (count, sent) in [(1, &harmless), (2, &program)] {
        assert!(client.send(&["bob@example.com"], sent).await.starts_with("250"));
        world.until("delivered", || world.arrived().len() == count).await;
    }
    let arrived: Vec<String> = world.arrived().into_iter().map(|(_, content)| content).collect();
    assert!(arrived.iter().any(|content| content.ends_with(&format!("{harmless}\r\n"))), "{arrived:?}");
    assert!(
        arrived
            .iter()
            .any(|content| content.contains("The file tool.exe was taken out") && content.contains("X-XD-Class: clean")),
        "{arrived:?}"
    );
    assert!(arrived.iter().all(|content| !content.contains("TVqQ")), "{arrived:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_test_virus_is_refused_wherever_it_stands() {
    let world = World::start("files-virus", "").await;
    let mut client = world.connect(SMTP).await;
    // In two pieces, so that nobody takes this source for the file.
    let virus = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$EI", "CAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].concat();
    assert!(client.send(&["bob@example.com"], &format!("Subject: x\r\n\r\n{virus}\r\n")).await.starts_with("550 5.7.1"));
    world.until("recorded", || world.refusals().len() == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_encrypts_is_asked_by_a_field_that_nobody_can_forge() {
    let world = World::start("files-encrypt", ACTIONS).await;
    let mut client = world.connect(SMTP).await;
    let forged = format!("X-XD-Encrypt: no\r\n{}", message("doubtful"));
    assert!(client.send(&["bob@example.com"], &forged).await.starts_with("250"));
    world.until("delivered", || world.arrived().len() == 1).await;
    let (_, content) = world.arrived().remove(0);
    assert!(content.contains("X-XD-Encrypt: yes\r\n") && !content.contains("Encrypt: no"), "{content}");
}
