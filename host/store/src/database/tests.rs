//! Tests of what a failed transaction leaves behind, of a replaced file, and of files of other versions.

use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use super::*;

static OPTIONS: Options = Options {
    name: "file",
    synchronous: "FULL",
    migrations: &[
        Migration {
            file: "0001_numbers.sql",
            sql: "CREATE TABLE numbers (number INTEGER PRIMARY KEY, text TEXT);",
        },
        Migration {
            file: "0002_more_numbers.sql",
            sql: "CREATE TABLE more (number INTEGER); CREATE INDEX mores ON more (number);",
        },
    ],
};

/// The table of applied migrations as `sqlx` 0.9 made it, with the first migration of `OPTIONS`.
const MADE_BY_SQLX: &str = "
    CREATE TABLE _sqlx_migrations (
        version BIGINT PRIMARY KEY,
        description TEXT NOT NULL,
        installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
        success BOOLEAN NOT NULL,
        checksum BLOB NOT NULL,
        execution_time BIGINT NOT NULL
    );
    CREATE TABLE numbers (number INTEGER PRIMARY KEY, text TEXT);
    INSERT INTO numbers (number) VALUES (5);
    INSERT INTO _sqlx_migrations VALUES (1, 'numbers', '2026-11-29 05:55:22', 1,
        x'32B44E06F9DD8D05EEC90CC50E12C4B416EF3B62699DAF272DC135BCE4C57625C7CB0B7EF7E6358FECF9561021EC6B8C',
        3778895);";

async fn database(folder: &Path) -> Database {
    Database::open(&folder.join("a.db"), &OPTIONS)
        .await
        .unwrap()
}

fn insert(connection: &Connection, number: i64) -> Result<(), Error> {
    let insert = "INSERT INTO numbers (number, text) VALUES (?1, ?2)";
    connection.change(insert, (number, "x".repeat(2000)))?;
    Ok(())
}

async fn write(database: &Database, number: i64) -> Result<(), Error> {
    let change = move |connection: &Connection| insert(connection, number);
    database.write(1, change).await
}

fn numbers(database: &Database) -> Vec<i64> {
    let all = "SELECT number FROM numbers ORDER BY number";
    let question = |connection: &Connection| connection.all(all, (), |row| row.get(0));
    database.read(question).unwrap()
}

/// When the disk is full, SQLite ends the transaction by itself. This does the same without a full
/// disk.
#[tokio::test]
async fn a_transaction_that_sqlite_ended_by_itself_takes_its_connection_with_it() {
    let folder = TempDir::new().unwrap();
    let database = database(folder.path()).await;
    for end in [
        "ROLLBACK",
        "COMMIT",
        "INSERT INTO numbers (number) VALUES (1), (1)",
    ] {
        let ended = database
            .write(1, move |connection| Ok(connection.execute_batch(end)?))
            .await;
        assert!(matches!(ended, Err(Error::Sqlite(_))), "{end}: {ended:?}");
    }
    assert!(
        database
            .read(|connection| connection.execute_batch("COMMIT"))
            .is_err()
    );
    write(&database, 1).await.unwrap();
    database.try_write().await.unwrap();
    assert_eq!(numbers(&database), [1]);
}

#[tokio::test]
async fn a_change_that_fails_takes_no_other_with_it() {
    let folder = TempDir::new().unwrap();
    let database = database(folder.path()).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200 {
        let database = database.clone();
        tasks.spawn(async move {
            let written = database
                .write(1, move |connection| {
                    insert(connection, number)?;
                    assert_ne!(number % 10, 7, "this change panics");
                    match number % 10 {
                        3 => Err(Error::Full),
                        _ => Ok(()),
                    }
                })
                .await;
            (number, written)
        });
    }
    while let Some(done) = tasks.join_next().await {
        let (number, written) = done.unwrap();
        match number % 10 {
            3 => assert!(matches!(written, Err(Error::Full)), "{written:?}"),
            7 => assert!(matches!(written, Err(Error::Closed)), "{written:?}"),
            _ => written.unwrap(),
        }
    }
    let written = (0..200).filter(|number| ![3, 7].contains(&(number % 10)));
    assert_eq!(numbers(&database), written.collect::<Vec<i64>>());
}

#[tokio::test]
async fn a_change_whose_caller_is_gone_is_made_completely() {
    let folder = TempDir::new().unwrap();
    let database = database(folder.path()).await;
    for number in [1, 3, 5] {
        let change = move |connection: &Connection| {
            insert(connection, number)?;
            insert(connection, number + 1)
        };
        // Poll until the change is queued.
        let handed_over = tokio::time::timeout(Duration::ZERO, database.write(2, change)).await;
        drop(handed_over);
    }
    database.close().await;
    assert!(matches!(write(&database, 7).await, Err(Error::Closed)));
    assert!(database.read(|_| Ok(())).is_err());
    let again = Database::open(&folder.path().join("a.db"), &OPTIONS).await;
    assert_eq!(numbers(&again.unwrap()), [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn large_questions_take_turns_and_short_ones_do_not_wait_for_them() {
    let folder = TempDir::new().unwrap();
    let database = database(folder.path()).await;
    write(&database, 1).await.unwrap();
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let database = database.clone();
        tasks.spawn(async move {
            let question = |_: &Connection| {
                MOST.fetch_max(NOW.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(5));
                NOW.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            };
            database.read_large(question).await.unwrap();
        });
    }
    while MOST.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(numbers(&database), [1]);
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let most = MOST.load(Ordering::SeqCst);
    assert!((1..=4).contains(&most), "{most}");
}

#[tokio::test]
async fn a_file_that_was_replaced_is_neither_read_nor_written() {
    let folder = TempDir::new().unwrap();
    let database = database(folder.path()).await;
    write(&database, 1).await.unwrap();
    let (file, aside) = (folder.path().join("a.db"), folder.path().join("aside"));
    std::fs::rename(&file, &aside).unwrap();
    for other in [None, Some("another file")] {
        if let Some(text) = other {
            std::fs::write(&file, text).unwrap();
        }
        for done in [
            write(&database, 2).await,
            database.try_write().await,
            database.read(|_| Ok(())),
            database.read_large(|_| Ok(())).await,
        ] {
            assert!(matches!(done, Err(Error::Replaced(_))), "{other:?}");
        }
    }
    std::fs::rename(&aside, &file).unwrap();
    write(&database, 3).await.unwrap();
    database.try_write().await.unwrap();
    assert_eq!(numbers(&database), [1, 3]);
}

#[tokio::test]
async fn a_file_that_sqlx_made_is_brought_up_to_date() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a.db");
    Connection::open(&file)
        .unwrap()
        .execute_batch(MADE_BY_SQLX)
        .unwrap();
    for _ in 0..2 {
        let database = Database::open(&file, &OPTIONS).await.unwrap();
        assert_eq!(numbers(&database), [5]);
        let applied: Vec<(i64, String, bool, usize)> = database
            .read(|connection| {
                connection.all(
                    "SELECT version, description, success, length(checksum) FROM _sqlx_migrations
                      ORDER BY version",
                    (),
                    |row| {
                        let length: i64 = row.get(3)?;
                        let length = usize::try_from(length).unwrap();
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?, length))
                    },
                )
            })
            .unwrap();
        let names: Vec<_> = applied.iter().map(|it| (it.0, it.1.as_str())).collect();
        assert_eq!(names, [(1, "numbers"), (2, "more numbers")]);
        assert!(applied.iter().all(|it| it.2 && it.3 == 48), "{applied:?}");
    }
}

#[tokio::test]
async fn a_file_of_another_kind_or_version_is_not_opened() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a.db");
    drop(database(folder.path()).await);
    for changed in [
        "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 2",
        "UPDATE _sqlx_migrations SET version = 3 WHERE version = 2",
        "DELETE FROM _sqlx_migrations WHERE version = 1",
    ] {
        let connection = Connection::open(&file).unwrap();
        connection.execute_batch(changed).unwrap();
        let error = Database::open(&file, &OPTIONS).await.err().unwrap();
        assert_eq!(
            error.to_string(),
            "it is another database, or one of a newer version",
            "{changed}"
        );
    }
}

#[tokio::test]
async fn faults_are_told_once_in_words() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a.db");
    std::fs::write(
        &file,
        "this is a text and no database at all, whatever its name says",
    )
    .unwrap();
    let opened = Database::open(&file, &OPTIONS).await;
    let error = anyhow::Error::from(opened.err().unwrap());
    let text = format!("{error:#}");
    assert_eq!(
        text,
        "it is not an SQLite database: is this its path? (SQLite's code 26)"
    );
}
