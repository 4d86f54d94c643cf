//! What a transaction leaves behind, and what a disk without space does.

use sqlx::sqlite::SqliteSynchronous;
use tempfile::TempDir;

use super::*;

const OPTIONS: Options = Options {
    name: "file",
    synchronous: SqliteSynchronous::Full,
    readers: 2,
};

async fn database(folder: &Path) -> Database {
    let migrator = sqlx::migrate!("src/store/migrations");
    let file = folder.join("a.db");
    let database = Database::open(&file, &OPTIONS, &migrator).await.unwrap();
    let table = "CREATE TABLE IF NOT EXISTS numbers (number INTEGER PRIMARY KEY, text TEXT)";
    database.execute(sqlx::query(table)).await.unwrap();
    database
}

async fn write(database: &Database, number: i64) -> Result<(), Error> {
    let insert = sqlx::query("INSERT INTO numbers (number, text) VALUES (?1, ?2)");
    let done = database
        .execute(insert.bind(number).bind("x".repeat(2000)))
        .await;
    done.map(drop)
}

async fn numbers(database: &Database) -> Vec<i64> {
    let all = sqlx::query_scalar("SELECT number FROM numbers ORDER BY number");
    all.fetch_all(database.readers()).await.unwrap()
}

/// SQLite ends a transaction by itself when the disk is full: this is the same, without the disk.
#[tokio::test]
async fn a_transaction_that_sqlite_ended_by_itself_takes_its_connection_with_it() {
    let folder = TempDir::new().unwrap();
    let database = database(folder.path()).await;
    for end in ["ROLLBACK", "COMMIT"] {
        let mut transaction = database.begin().await.unwrap();
        sqlx::query(end).execute(&mut *transaction).await.unwrap();
        assert!(transaction.commit().await.is_err(), "{end}");
    }
    let failing = sqlx::query("INSERT INTO numbers (number) VALUES (1), (1)");
    assert!(database.execute(failing).await.is_err());
    drop(database.begin().await.unwrap());
    write(&database, 1).await.unwrap();
    database.try_write().await.unwrap();
    assert_eq!(numbers(&database).await, [1]);
}

#[tokio::test]
async fn a_transaction_that_is_dropped_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let database = database(folder.path()).await;
    let mut transaction = database.begin().await.unwrap();
    sqlx::query("INSERT INTO numbers (number) VALUES (7)")
        .execute(&mut *transaction)
        .await
        .unwrap();
    drop(transaction);
    write(&database, 8).await.unwrap();
    assert_eq!(numbers(&database).await, [8]);
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
            database.snapshot().await.map(drop),
        ] {
            assert!(matches!(done, Err(Error::Replaced(_))), "{other:?}");
        }
    }
    std::fs::rename(&aside, &file).unwrap();
    write(&database, 3).await.unwrap();
    database.try_write().await.unwrap();
    assert_eq!(numbers(&database).await, [1, 3]);
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
    let migrator = sqlx::migrate!("src/store/migrations");
    let opened = Database::open(&file, &OPTIONS, &migrator).await;
    let error = anyhow::Error::from(opened.err().unwrap());
    let text = format!("{error:#}");
    assert_eq!(
        text,
        "it is not an SQLite database: is this its path? (SQLite's code 26)"
    );
}
