# Small images as Pillow 12 saves them, and what Pillow reads: gray, palette, 16 bits, transparent, JPEG in colours and gray.
import numpy as np
from PIL import Image

rng = np.random.default_rng(0)
smooth = np.clip(np.add.outer(np.arange(12) * 15, np.arange(10) * 7)[..., None] + [0, 20, 40], 0, 255).astype("u1")
images = {
    "cat/a.png": Image.fromarray(rng.integers(0, 256, (12, 10, 3), dtype="u1")),
    "cat/b.JPG": Image.fromarray(smooth),
    "dog/a.png": Image.fromarray(smooth).quantize(8),
    "dog/b.png": Image.fromarray(np.dstack([smooth, rng.integers(0, 256, (12, 10), dtype="u1")])),
    "dog/c.jpeg": Image.fromarray(smooth[..., 0]),
}
import os
pixels = []
for name, image in images.items():
    os.makedirs("images/" + os.path.dirname(name), exist_ok=True)
    image.save("images/" + name, **({"quality": 95, "subsampling": 0} if name.lower().endswith("g") and "j" in name.lower() else {}))
    pixels.append(np.asarray(Image.open("images/" + name).convert("RGB")).transpose(2, 0, 1) / 255)
np.savez("images.npz", x=np.array(pixels))
