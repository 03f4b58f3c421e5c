//! Which points of a grid are neighbours.

/// Which points of a grid are neighbours: of a line two each, whichever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adjacency {
    /// Those that differ by one along one axis: 4 in a plane, 6 in a volume.
    Faces,
    /// Those of the Freudenthal triangulation, whose edges lead from a corner of each cell to all of its others: 6 in a plane, 14 in a
    /// volume.
    Simplices,
    /// Those that differ by at most one along every axis: 8 in a plane, 26 in a volume.
    Corners,
}

impl Adjacency {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Faces, Self::Simplices, Self::Corners];

    /// The one with so many neighbours of a point inside of a grid with so many axes.
    pub fn of(neighbours: usize, axes: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|all| all.neighbours(axes) == neighbours)
    }

    /// How many neighbours a point inside of a grid with so many axes has.
    pub fn neighbours(self, axes: usize) -> usize {
        self.offsets(axes).len()
    }

    /// The one that the complement of a set has.
    pub fn dual(self) -> Self {
        match self {
            Self::Faces => Self::Corners,
            Self::Simplices => Self::Simplices,
            Self::Corners => Self::Faces,
        }
    }

    /// Steps to the neighbours along each axis; those beyond `axes` are zero.
    pub(super) fn offsets(self, axes: usize) -> Vec<[isize; 3]> {
        let all = (0..27).map(|k: isize| [k % 3 - 1, k / 3 % 3 - 1, k / 9 - 1]);
        let there = |step: &[isize; 3]| {
            let moves = step.iter().filter(|s| **s != 0).count();
            let one_way = step.iter().all(|s| *s >= 0) || step.iter().all(|s| *s <= 0);
            let near = match self {
                Self::Faces => moves == 1,
                Self::Simplices => moves > 0 && one_way,
                Self::Corners => moves > 0,
            };
            near && step.iter().skip(axes).all(|s| *s == 0)
        };
        all.filter(there).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_as_many_as_their_names_say() {
        for (axes, counts) in [(1, [2, 2, 2]), (2, [4, 6, 8]), (3, [6, 14, 26])] {
            assert_eq!(Adjacency::ALL.map(|all| all.neighbours(axes)), counts);
        }
        assert_eq!(Adjacency::of(6, 2), Some(Adjacency::Simplices));
        assert_eq!(Adjacency::of(6, 3), Some(Adjacency::Faces));
        assert_eq!(Adjacency::of(2, 1), Some(Adjacency::Faces));
        assert_eq!(Adjacency::of(5, 2), None);
        assert!(Adjacency::ALL.iter().all(|all| all.dual().dual() == *all));
    }
}
