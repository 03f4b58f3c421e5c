//! CIFAR's binary versions: records, batches in order, refusals.

use crate::files::{Files, labels, no_file_in_place_of};
use proptest::prelude::*;

const PIXELS: usize = 3072;

/// Records with the given label bytes; the pixels of record i begin with its number.
pub fn batch(labels: &[&[u8]]) -> Vec<u8> {
    let record = |(i, label): (usize, &&[u8])| {
        let pixels = (0..PIXELS).map(move |p| ((i + p) % 256) as u8);
        label.iter().copied().chain(pixels).collect::<Vec<u8>>()
    };
    labels.iter().enumerate().flat_map(record).collect()
}

/// A small CIFAR-10: ten batches of one image, and test images.
pub fn cifar10(files: &Files) {
    for k in 1..=20u8 {
        files.write(&format!("data_batch_{k}.bin"), batch(&[&[k % 10]]));
    }
    let all: Vec<[u8; 1]> = (0..10).map(|label| [label]).collect();
    let all: Vec<&[u8]> = all.iter().map(|label| label.as_slice()).collect();
    files.write("test_batch.bin", batch(&all));
}

/// A small CIFAR-100 whose labels are all there, coarse ones a fifth of the fine ones.
pub fn cifar100(files: &Files) {
    let all: Vec<[u8; 2]> = (0..100).map(|fine| [fine / 5, fine]).collect();
    let all: Vec<&[u8]> = all.iter().map(|label| label.as_slice()).collect();
    files.write("train.bin", batch(&all)).write("test.bin", batch(&all));
}

#[test]
fn cifar10_is_all_batches_and_the_test_batch() {
    let files = Files::new();
    cifar10(&files);
    let data = files.load("cifar10:directory=@").unwrap();
    assert_eq!((data.train.len(), data.test.len(), data.outputs), (20, 10, 10));
    assert_eq!(data.shape, [3, 32, 32]);
    assert_eq!(labels(&data.test), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (i, image) in data.test.x.chunks(PIXELS).enumerate() {
        let right = image.iter().enumerate().all(|(p, v)| *v == ((i + p) % 256) as f64 / 255.0);
        assert!(right, "image {i}, pixels as shares of 255 in the order of the file");
    }
    // Other files are no batches.
    files.write("data_batch_x.bin", b"").write("data_batch_3.bin.bak", b"").write("batches.meta.txt", b"");
    assert_eq!(files.load("cifar10:directory=@").unwrap(), data);
}

#[test]
fn a_batch_of_the_five_that_is_missing_is_missed() {
    let files = Files::new();
    cifar10(&files);
    assert_eq!(files.load("cifar10:directory=@").unwrap().notes, Vec::<String>::new());
    std::fs::remove_file(files.path("data_batch_4.bin")).unwrap();
    let notes = files.load("cifar10:directory=@").unwrap().notes;
    assert!(
        notes.len() == 1 && notes[0].contains("data_batch_4.bin of CIFAR-10's 5 training batches is missing"),
        "{notes:?}"
    );
    assert!(notes[0].contains("batches=[1,2,3,5"), "{notes:?}");
    let some = files.load("cifar10:directory=@,batches=[1,3]").unwrap();
    assert!(some.notes.is_empty() && some.train.len() == 2);
    assert!(
        files
            .refusal("cifar10:directory=@,batches=[4]")
            .starts_with("data_batch_4.bin: expected a regular file")
    );
}

#[test]
fn cifar100_has_fine_and_coarse_labels() {
    let files = Files::new();
    cifar100(&files);
    let fine = files.load("cifar100:directory=@").unwrap();
    let coarse = files.load("cifar100:directory=@,labels=coarse").unwrap();
    assert_eq!((fine.outputs, coarse.outputs, fine.train.len()), (100, 20, 100));
    assert_eq!(labels(&fine.test), (0..100).collect::<Vec<u32>>());
    assert_eq!(labels(&coarse.test), (0..100).map(|fine| fine / 5).collect::<Vec<u32>>());
    assert_eq!(fine.test.x, coarse.test.x);
}

#[test]
fn broken_batches_are_refused() {
    let files = Files::new();
    cifar10(&files);
    let ten = "cifar10:directory=@";
    let of = |bytes: &[u8]| files.write("data_batch_2.bin", bytes).refusal(ten);
    let length = "data_batch_2.bin: expected records of 3073 bytes, one or more, found ";
    assert_eq!(of(b""), format!("{length}0 bytes"));
    assert_eq!(of(&batch(&[&[1]])[..3072]), format!("{length}3072 bytes"));
    assert_eq!(of(&[batch(&[&[1], &[2]]), vec![0]].concat()), format!("{length}6147 bytes"));
    assert_eq!(
        of(&batch(&[&[1], &[10]])),
        "data_batch_2.bin: expected labels from 0 to 9, found 10 in record 1"
    );
    cifar10(&files);
    no_file_in_place_of(&files.path("data_batch_7.bin"), || files.refusal(ten));
    no_file_in_place_of(&files.path("test_batch.bin"), || files.refusal(ten));
    assert!(files.refusal(ten).starts_with("test_batch.bin: expected a regular file, found nothing there"));
    let empty = Files::new();
    assert!(empty.refusal(ten).ends_with("found no batch"));
    assert!(empty.refusal("cifar10:directory=@/absent").ends_with("found no such directory"));
    assert!(empty.refusal("cifar10").contains("as cifar10:directory=PATH, found none"));
    assert!(empty.refusal("cifar100").contains("as cifar100:directory=PATH, found none"));
    cifar100(&empty);
    empty.write("train.bin", batch(&[&[19, 100]]));
    assert!(empty.refusal("cifar100:directory=@").contains("labels from 0 to 99, found 100"));
    assert!(empty.write("train.bin", batch(&[&[20, 0]])).load("cifar100:directory=@").is_ok());
    assert!(empty.refusal("cifar100:directory=@,labels=coarse").contains("labels from 0 to 19, found 20"));
}

#[test]
fn a_pipe_as_directory_does_not_hang() {
    let files = Files::new();
    assert!(std::process::Command::new("mkfifo").arg(files.path("fifo")).status().unwrap().success());
    assert!(files.refusal("cifar10:directory=@/fifo").ends_with("found no such directory"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn random_records_never_panic(
        records in 0usize..4,
        extra in prop::collection::vec(any::<u8>(), 0..4),
        label in any::<u8>(),
    ) {
        let files = Files::new();
        let bytes = [vec![label; records * (PIXELS + 1)], extra].concat();
        files.write("data_batch_1.bin", &bytes).write("test_batch.bin", &bytes);
        let whole = bytes.len() % (PIXELS + 1) == 0 && !bytes.is_empty() && label < 10;
        prop_assert_eq!(files.load("cifar10:directory=@").is_ok(), whole);
    }
}
