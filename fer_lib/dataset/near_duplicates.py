"""Find exact and near duplicates within and across splits (train/test leakage)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from fer_lib.dataset.image_folders import Split, find_blank

GRID = 6  # blocks per side of the thumbnails that pre-filter pairs
NEAR = 4.0  # mean squared difference, in grey levels squared, caused by one JPEG recompression


def group_near_duplicates(images: NDArray[np.uint8], tolerance: float = 0.0) -> NDArray[np.int64]:
    """Group duplicate images.

    Args:
        images: `(n, h, w, c)`.
        tolerance: mean squared difference, in grey levels squared, up to which two images are duplicates; 0: exact
            duplicates only; `NEAR` tolerates one JPEG recompression.

    Returns:
        Group ids `(n,)` from 0; groups are connected components, so a chain of near duplicates is one group.
    """
    if tolerance == 0:
        seen: dict[bytes, int] = {}
        return np.array([seen.setdefault(image.tobytes(), len(seen)) for image in images], np.int64)
    pairs = find_near_pairs(images, tolerance)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(images), len(images)))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def mark_near_duplicates(
    images: NDArray[np.uint8], of: NDArray[np.uint8], tolerance: float = NEAR
) -> NDArray[np.bool_]:
    """Return a mask `(n,)` of the images `(n, h, w, c)` that have a near duplicate in `of`, `(m, h, w, c)`."""
    groups = group_near_duplicates(np.concatenate([images, of]), tolerance)
    return np.isin(groups[: len(images)], groups[len(images) :])


def remove_blank_and_leaked(train: Split, *held_out: Split) -> Split:
    """Drop blank training images and those with a near duplicate in a held-out split (leakage)."""
    drop = find_blank(train.images)
    for split in held_out:
        drop |= mark_near_duplicates(train.images, split.images)
    return train.select(~drop)


def find_near_pairs(images: NDArray[np.uint8], tolerance: float) -> NDArray[np.int64]:
    """Find all pairs of images whose mean squared difference is at most `tolerance`; index pairs `(n, 2)`.

    The search is exact: the differences of means, of standard deviations and of thumbnails are lower bounds of the root mean
    squared difference (Jensen's inequality), so only pairs within these bounds are compared in full.
    """
    found = [np.zeros((0, 2), np.int64)]
    for pairs in _candidate_pairs(images, tolerance**0.5 + 1e-6):  # 1e-6: rounding
        for chunk in np.array_split(pairs, len(pairs) // 4096 + 1):
            first, second = (images[chunk[:, side]].astype(np.float32) for side in (0, 1))
            found.append(chunk[((first - second) ** 2).mean(axis=(1, 2, 3)) <= tolerance])
    return np.concatenate(found)


def duplicate_groups(groups: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the image indices of each group with more than one image; `groups` `(n,)` from `group_near_duplicates`."""
    order = np.argsort(groups, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    return [part for part in parts if len(part) > 1]


def conflicting_pairs(groups: NDArray[np.int64], targets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return, for each group with conflicting targets, two images whose targets differ; index pairs `(pairs, 2)`."""
    pairs = [
        (group[0], group[targets[group] != targets[group[0]]][0])
        for group in duplicate_groups(groups)
        if len(set(targets[group])) > 1
    ]
    return np.array(pairs, np.int64).reshape(-1, 2)


def count_leaks(splits: Sequence[Split], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the images of each split (row) that have a duplicate in each split (column): `(splits, splits)`.

    Args:
        splits: splits whose images were grouped, concatenated in this order.
        groups: `(n,)` group ids of all their images.
    """
    parts = np.split(groups, np.cumsum([len(split) for split in splits])[:-1])
    leaks = np.zeros((len(parts), len(parts)), np.int64)
    for row, ours in enumerate(parts):
        for column, theirs in enumerate(parts):
            numbers, times = np.unique(theirs, return_counts=True)
            leaks[row, column] = np.isin(ours, numbers[times > 1] if row == column else numbers).sum()
    return leaks


def _candidate_pairs(images: NDArray[np.uint8], bound: float) -> Iterator[NDArray[np.int64]]:
    """Yield index pairs `(n, 2)` within the lower bounds: images sorted by mean are compared at increasing rank distance."""
    means, deviations, thumbnails = _summarize(images)
    order = np.argsort(means, kind="stable")
    means, deviations, thumbnails = means[order], deviations[order], thumbnails[order]
    for step in range(1, len(order)):
        rows = np.flatnonzero(means[step:] - means[:-step] <= bound)
        if not len(rows):
            return
        rows = rows[np.abs(deviations[rows + step] - deviations[rows]) <= bound]
        rows = rows[((thumbnails[rows + step] - thumbnails[rows]) ** 2).sum(axis=1) <= bound**2]
        yield np.stack([order[rows], order[rows + step]], axis=1)


def _summarize(images: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Compute means `(n,)`, standard deviations `(n,)` and thumbnails `(n, blocks)`.

    Blocks are weighted by the square root of their area fraction, so that the squared distance of two thumbnails is at most
    the mean squared difference of the images.
    """
    n, height, width, _ = images.shape
    tops, lefts = (np.unique(np.linspace(0, side, GRID, endpoint=False).astype(int)) for side in (height, width))
    areas = np.outer(np.diff(tops, append=height), np.diff(lefts, append=width)).ravel()
    means, deviations, thumbnails = np.empty(n), np.empty(n), np.empty((n, len(areas)))
    for start in range(0, n, 1024):
        pixels = images[start : start + 1024].mean(axis=3)
        blocks = np.add.reduceat(np.add.reduceat(pixels, tops, axis=1), lefts, axis=2)
        thumbnails[start : start + 1024] = blocks.reshape(len(pixels), -1) / np.sqrt(areas * height * width)
        means[start : start + 1024] = pixels.mean(axis=(1, 2))
        deviations[start : start + 1024] = pixels.std(axis=(1, 2))
    return means, deviations, thumbnails
