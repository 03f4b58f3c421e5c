"""The files beside this script, as numpy and pandas write them: python make.py

Sample i has the features (i, -i / 2, i * i), which every type but bytes holds exactly, and the class i % 3.
"""
import numpy as np
import pandas as pd

i = np.arange(12)
x = np.stack([i, -i / 2, i * i], axis=1)
y = i % 3

np.savez_compressed("compressed.npz", x=x, y=y, names=np.array(["a", "b", "c"]))
np.savez("fortran.npz", X=np.asfortranarray(x.astype("f4")), y=y.astype("u1"))
np.savez("big-endian.npz", x=x.astype(">f8"), y=y.astype(">i2"))
np.savez("half.npz", data=x.astype("f2"), target=y.astype("i4"), more=np.array([None, "x"], dtype=object))
np.savez("positions.npz", x, y)
np.savez("keras.npz", x_train=x[:8], y_train=y[:8, None].astype("u1"), x_test=x[8:], y_test=y[8:, None].astype("u1"))
np.savez("record.npz", x=np.zeros(12, dtype=[("<f8", "<i8")]), y=y)

frame = pd.DataFrame(x, columns=["a", "b", "c"])
frame["class"] = np.array(["u", "v", "w"])[y]
frame.to_csv("frame.csv", index=False)
frame.to_csv("frame.csv.gz", index=False, compression={"method": "gzip", "mtime": 0})
frame.to_csv("index.csv")
frame.to_csv("europe.csv", sep=";", decimal=",", index=False)
frame.to_csv("tabs.tsv", sep="\t", index=False, encoding="utf-8-sig", lineterminator="\r\n")
pd.DataFrame(np.column_stack([x, y])).to_csv("numbers.csv", index=False)
gaps = frame.copy()
gaps.loc[3, "class"] = np.nan
gaps.loc[5, "b"] = np.nan
gaps.to_csv("gaps.csv", index=False, na_rep="NA")

# Arrays in files of their own, weights, labels that are left out, tokens.
np.save("x.npy", np.asfortranarray(x.astype(">f4")))
np.save("y.npy", y.astype("u1"))
np.save("weights.npy", (i % 4).astype("f2"))
np.savez("weighted.npz", x=x, y=y, sample_weight=(i % 4).astype("f4"))
np.savez("signs.npz", x=x, y=(2 * (i % 2) - 1).astype("i1"))
np.savez("bool.npz", x=x, y=i % 2 == 1)
np.savez("ignored.npz", x=x, y=np.where(i % 4 == 0, -100, y))
np.savez("tokens.npz", x=np.stack([i % 5, (i + 2) % 5], axis=1).astype("i4"), y=y)
weighted = frame.copy()
weighted["w"] = (i % 4) / 2
weighted.to_csv("weighted.csv", index=False)

# What is refused, each with what makes something of it that is read.
frame.to_parquet("frame.parquet")
frame.to_feather("frame.feather")
frame.to_pickle("frame.pkl")
frame.to_json("frame.json", orient="records")
frame.to_csv("utf16.csv", index=False, encoding="utf-16")
frame.rename(columns={"a": "h\u00f6he"}).to_csv("latin1.csv", index=False, encoding="latin-1")
dated = frame.copy()
dated.insert(0, "when", pd.date_range("2020", periods=12).astype(str))
dated.to_csv("dated.csv", index=False)
import torch
torch.save({"x": torch.tensor(x), "y": torch.tensor(y)}, "tensors.pt")
from sklearn.datasets import dump_svmlight_file
dump_svmlight_file(x + 1, y, "frame.svm")
