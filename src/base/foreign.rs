//! Files of other kinds that people bring, told by their first bytes, and what makes something of them that is read here.

/// What a file of another kind begins with, what it is, and what reads it in Python.
const KINDS: [(&[u8], &str, &str); 12] = [
    (b"PAR1", "Parquet", "pandas.read_parquet(FILE)"),
    (b"ARROW1", "Arrow (Feather)", "pandas.read_feather(FILE)"),
    (b"\xff\xff\xff\xff", "a stream of Arrow", "pyarrow.ipc.open_stream(FILE).read_pandas()"),
    (b"FEA1", "Feather of version 1", "pandas.read_feather(FILE)"),
    (b"ORC", "ORC", "pandas.read_orc(FILE)"),
    (b"\xd0\xcf\x11\xe0", "Excel's .xls", "pandas.read_excel(FILE)"),
    (b"\x89HDF", "HDF5", "pandas.read_hdf(FILE), or arrays by h5py and numpy.savez,"),
    (b"\x80", "a pickle", "pandas.read_pickle(FILE), or arrays by numpy.savez,"),
    (b"MATLAB 5.0", "Matlab's .mat", "scipy.io.loadmat(FILE), and numpy.savez,"),
    (b"SQLite format 3", "SQLite", "pandas.read_sql(QUERY, CONNECTION)"),
    (b"\x28\xb5\x2f\xfd", "zstd data", "zstd -d FILE, or pandas.read_csv(FILE)"),
    (b"BZh", "bzip2 data", "bunzip2 FILE, or pandas.read_csv(FILE)"),
];

/// What a file that begins so is, and the remedy, if it is of a kind that is known.
pub fn known(start: &[u8]) -> Option<String> {
    let (_, name, reader) = KINDS.iter().find(|(magic, ..)| start.starts_with(magic))?;
    Some(format!(
        "{name}: in Python {reader} reads it, .to_csv(\"x.csv\", index=False) writes what csv:file=x.csv takes"
    ))
}

/// The same of a zip file, by the names of what lies in it.
pub fn archived<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<&'static str> {
    let kind = |name: &str| match name {
        "xl/workbook.xml" => Some("Excel's .xlsx: pandas.read_excel(FILE).to_csv(\"x.csv\", index=False)"),
        _ if name == "data.pkl" || name.ends_with("/data.pkl") => Some(
            "a file of torch.save: numpy.savez(\"x.npz\", **{name: t.numpy() for name, t in torch.load(FILE).items()})",
        ),
        _ => None,
    };
    names.find_map(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_kinds_are_named_with_what_reads_them() {
        assert!(known(b"PAR1\x15\x04").is_some_and(|text| text.contains("pandas.read_parquet")));
        assert!(known(b"\x80\x05\x95").is_some_and(|text| text.starts_with("a pickle")));
        assert_eq!(known(b"a,b,c\n1,2,3\n"), None);
        assert!(archived(["m/version", "m/data.pkl"].into_iter()).is_some_and(|t| t.contains("torch.save")));
        assert_eq!(archived(["x.npy"].into_iter()), None);
    }
}
