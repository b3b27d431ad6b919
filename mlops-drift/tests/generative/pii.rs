//! What looks like data about persons, and what does not.

use mlops_drift::generative::{Exchange, PiiHits, Score};

use super::score_of;

#[track_caller]
fn hits(name: &str, cases: &[(&str, usize)]) {
    for (text, expected) in cases {
        for text in [
            (*text).to_owned(),
            format!("see {text}, or"),
            format!("({text})."),
            format!("“{text}”—\u{a0}"),
            format!("电话{text}。"),
        ] {
            let found = score_of(&PiiHits::new(), &Exchange::new(&text), name);
            assert_eq!(found, Some(Score::count(*expected)), "{name} in `{text}`");
        }
    }
}

#[test]
fn emails() {
    let long_local = format!("{}@mail.example", "a".repeat(65));
    let long_label = format!("a@{}.example", "b".repeat(64));
    hits(
        "pii_emails",
        &[
            ("jane.doe+x@mail.example", 1),
            ("A_B%c-1@sub.mail-2.example.org", 1),
            ("a@b.co d@e.fr; f@g.de", 3),
            ("mailto:a@b.co", 1),
            ("a@xn--e1afmkfd.xn--p1ai", 1),
            // What follows the dots is one.
            ("write to me..b@mail.example", 1),
            ("", 0),
            ("a@b", 0),
            ("a@b.c", 0),
            ("a@b.1", 0),
            ("@mail.example", 0),
            ("a@@mail.example", 0),
            ("a.@mail.example", 0),
            ("a@-b.example", 0),
            ("a@b..example", 0),
            ("a b@ mail.example", 0),
            ("größe@x", 0),
            (&long_local, 0),
            (&long_label, 0),
        ],
    );
}

#[test]
fn phones() {
    hits(
        "pii_phones",
        &[
            ("+4930123456", 1),
            ("+49 (0) 30 1234-567", 1),
            ("+1 (212) 555-0123", 1),
            ("+1-212-555-0123", 1),
            ("(212) 555-0123", 1),
            ("(212)555-0123", 1),
            ("212-555-0123", 1),
            ("212.555.0123", 1),
            ("1-800-555-0199", 1),
            ("212-555-0123 or 646-555-0199", 2),
            ("+1234567", 0),
            ("+1234567890123456", 0),
            ("+0123456789", 0),
            ("a+4930123456", 0),
            ("212 555 0123", 0),
            ("112-555-0123", 0),
            ("212-155-0123", 0),
            ("212-555.0123", 0),
            ("212-555-01234", 0),
            ("212-555-0123-4", 0),
            ("9-212-555-0123", 0),
            ("2026-11-22", 0),
            ("x212-555-0123", 0),
            ("2125550123", 0),
        ],
    );
}

#[test]
fn ibans() {
    // Examples of the SWIFT registry.
    hits(
        "pii_ibans",
        &[
            ("DE89370400440532013000", 1),
            ("DE89 3704 0044 0532 0130 00", 1),
            ("GB29 NWBK 6016 1331 9268 19", 1),
            ("FR14 2004 1010 0505 0001 3M02 606", 1),
            ("NO93 8601 1117 947", 1),
            ("MT84MALT011000012345MTLCAST001S", 1),
            ("NL91ABNA0417164300, BE68539007547034", 2),
            ("DE88370400440532013000", 0),
            ("DE8937040044053201300", 0),
            ("DE893704004405320130001", 0),
            ("XX89370400440532013000", 0),
            ("de89370400440532013000", 0),
            ("DE89  370400440532013000", 0),
            ("ADE89370400440532013000", 0),
            ("DEAB370400440532013000", 0),
        ],
    );
    // A country's length and the check digits: nothing else of the text is taken for one.
    hits("pii_cards", &[("DE89 3704 0044 0532 0130 00", 0)]);
}

#[test]
fn cards() {
    // Numbers that payment providers publish for tests.
    hits(
        "pii_cards",
        &[
            ("4111111111111111", 1),
            ("4111 1111 1111 1111", 1),
            ("4111-1111-1111-1111", 1),
            ("4222222222222", 1),
            ("5555 5555 5555 4444", 1),
            ("2223003122003222", 1),
            ("3782 822463 10005", 1),
            ("6011111111111117", 1),
            ("30569309025904", 1),
            ("3530111333300000", 1),
            ("6200000000000005", 1),
            ("4111 1111 1111 1111 123", 1),
            ("4111111111111111 5555555555554444", 2),
            ("4111111111111112", 0),
            ("411111111111111", 0),
            ("41111111111111111", 0),
            ("1111111111111117", 0),
            ("0000000000000000", 0),
            ("5955555555554444", 0),
            ("x4111111111111111", 0),
            ("4111  1111 1111 1111", 0),
            ("12-4111111111111111", 0),
        ],
    );
}

#[test]
fn ip_addresses() {
    hits(
        "pii_ip_addresses",
        &[
            ("192.168.0.1", 1),
            ("8.8.8.8:53", 1),
            ("10.0.0.0/8", 1),
            ("2001:db8::1", 1),
            ("2001:0db8:0000:0000:0000:ff00:0042:8329", 1),
            ("::ffff:192.0.2.1", 1),
            ("[fe80::1]", 1),
            ("1.2.3.4 5.6.7.8", 2),
            ("256.1.1.1", 0),
            ("1.2.3", 0),
            ("1.2.3.4.5", 0),
            ("01.2.3.4", 0),
            ("v1.2.3.4", 0),
            ("12:30:45", 0),
            ("std::vec", 0),
            ("a::b", 0),
            ("::", 0),
            ("2001:db8::1::2", 0),
            ("1:2:3:4:5:6:7:8:9", 0),
        ],
    );
}
