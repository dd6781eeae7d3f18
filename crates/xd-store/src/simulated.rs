//! A disk in memory that fails when told, for tests: of this crate, and of whoever stores things by it.
//!
//! It keeps apart what was written and what is durable. Content becomes durable when its file is synced, a name when its
//! directory is. [`Disk::crashed`] is the disk as the next start finds it: all that is durable, and of the rest nothing,
//! everything, or some, as a real one might have it.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::file_system::{FileSystem, StoredDirectory, StoredFile};

/// A disk in memory. Clones are the same disk.
///
/// # Example: is a file there after a crash if only its content was synced?
/// ```
/// use std::path::Path;
/// use xd_store::{FileSystem, StoredFile};
/// use xd_store::simulated::{Disk, Survival};
///
/// let disk = Disk::new();
/// let mut file = disk.create_new(Path::new("/letter"))?;
/// file.write_at(0, b"Dear Bob")?;
/// file.sync()?;
/// assert_eq!(disk.crashed(Survival::Durable).content("/letter"), None);
/// disk.sync_dir(Path::new("/"))?;
/// assert_eq!(disk.crashed(Survival::Durable).content("/letter"), Some(b"Dear Bob".to_vec()));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Disk(Arc<Mutex<World>>);

/// An open file of a [`Disk`].
#[derive(Debug)]
pub struct DiskFile {
    disk: Disk,
    node: usize,
    writable: bool,
}

/// An open directory of a [`Disk`].
#[derive(Debug)]
pub struct DiskDirectory {
    disk: Disk,
    node: usize,
}

/// Holds a lock file of a [`Disk`].
#[derive(Debug)]
pub struct DiskLock {
    disk: Disk,
    node: usize,
}

/// What of that which is not durable survives a crash. The complete set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Survival {
    /// Nothing of it.
    Durable,
    /// All of it, as if the disk had just been faster.
    Everything,
    /// Some: of each file any of the writes, whole or in part; of each directory its first changes. The number chooses.
    Some(u64),
}

/// How the disk fails. The complete set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// One call fails and does nothing; the next ones work.
    Fails,
    /// One call fails; if it is a write, half of it is done. The next ones work.
    Short,
    /// From that call on nothing works; if it is a write, half of it is done.
    Stops,
}

#[derive(Debug, Default)]
struct World {
    nodes: Vec<Node>,
    /// Calls so far that change something or make it durable.
    calls: u64,
    fault: Option<(u64, Fault)>,
    /// Calls so far that need a descriptor of their own, and which of them find none.
    opens: u64,
    none_left: Range<u64>,
    /// How many bytes files may still grow; `None` for as many as memory has.
    room: Option<u64>,
}

#[derive(Clone, Debug)]
enum Node {
    Dir { names: BTreeMap<String, usize>, durable: BTreeMap<String, usize>, pending: Vec<NameChange> },
    File { content: Vec<u8>, durable: Vec<u8>, pending: Vec<Write>, locked: bool },
}

#[derive(Clone, Debug)]
enum NameChange {
    Link(String, usize),
    Rename(String, String),
    Unlink(String),
}

#[derive(Clone, Debug)]
enum Write {
    At(u64, Vec<u8>),
    Cut(u64),
}

impl Disk {
    /// An empty disk with a root directory.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(World { nodes: vec![Node::dir()], ..World::default() })))
    }

    /// Makes the call with this number fail, counted from 0 over all calls that change something or make it durable.
    pub fn fail_at(&self, call: u64, fault: Fault) {
        self.world().fault = Some((call, fault));
    }

    /// Makes so many calls fail for want of a descriptor, from the one with this number on, counted from 0 over all calls that open
    /// or create something.
    pub fn run_out_at(&self, open: u64, calls: u64) {
        self.world().none_left = open..open.saturating_add(calls);
    }

    /// How many calls there were that open or create something.
    #[must_use]
    pub fn opens(&self) -> u64 {
        self.world().opens
    }

    /// Gives files as much room as memory has.
    pub fn make_room(&self) {
        self.world().room = None;
    }

    /// Lets files grow by so many bytes and no more. Writes beyond that are cut short, with [`io::ErrorKind::StorageFull`].
    pub fn limit(&self, bytes: u64) {
        self.world().room = Some(bytes);
    }

    /// How many calls there were that changed something or made it durable.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.world().calls
    }

    /// The content of a file, durable or not; `None` if there is none by this path.
    #[must_use]
    pub fn content(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let world = self.world();
        match &world.nodes[world.find(path.as_ref()).ok()?] {
            Node::File { content, .. } => Some(content.clone()),
            Node::Dir { .. } => None,
        }
    }

    /// Puts a file there, durably, as something outside of all rules would.
    ///
    /// # Errors
    /// Its directory does not exist.
    pub fn put(&self, path: impl AsRef<Path>, bytes: &[u8]) -> io::Result<()> {
        let mut world = self.world();
        let (above, name) = world.place(path.as_ref())?;
        let file = Node::File { content: bytes.to_vec(), durable: bytes.to_vec(), pending: Vec::new(), locked: false };
        let node = world.add(file);
        if let Node::Dir { names, durable, .. } = &mut world.nodes[above] {
            names.insert(name.clone(), node);
            durable.insert(name, node);
        }
        Ok(())
    }

    /// The disk as the next start finds it after a crash now. Locks are free and faults are gone.
    #[must_use]
    pub fn crashed(&self, survival: Survival) -> Self {
        let mut chance = Chance(match survival {
            Survival::Some(number) => number.wrapping_mul(2).wrapping_add(1),
            _ => 1,
        });
        let mut nodes = self.world().nodes.clone();
        for node in &mut nodes {
            match node {
                Node::Dir { names, durable, pending } => {
                    let survive = match survival {
                        Survival::Durable => 0,
                        Survival::Everything => pending.len(),
                        Survival::Some(_) => chance.up_to(pending.len()),
                    };
                    *names = durable.clone();
                    pending.drain(..).take(survive).for_each(|change| change.apply(names));
                    *durable = names.clone();
                }
                Node::File { content, durable, pending, locked } => {
                    *locked = false;
                    *content = durable.clone();
                    for write in pending.drain(..) {
                        match survival {
                            Survival::Durable => {}
                            Survival::Everything => write.apply(content),
                            Survival::Some(_) => write.apply_in_part(content, &mut chance),
                        }
                    }
                    *durable = content.clone();
                }
            }
        }
        Self(Arc::new(Mutex::new(World { nodes, ..World::default() })))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        // A test that panicked elsewhere says so itself.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Disk {
    fn default() -> Self {
        Self::new()
    }
}

impl FileSystem for Disk {
    type File = DiskFile;
    type Directory = DiskDirectory;
    type Lock = DiskLock;

    fn create_new(&self, path: &Path) -> io::Result<DiskFile> {
        let mut world = self.world();
        world.take_descriptor()?;
        world.call()?;
        let node = world.create(path, Node::file())?;
        Ok(DiskFile { disk: self.clone(), node, writable: true })
    }

    fn open(&self, path: &Path) -> io::Result<DiskFile> {
        Ok(DiskFile { writable: true, ..self.open_read(path)? })
    }

    fn open_read(&self, path: &Path) -> io::Result<DiskFile> {
        let mut world = self.world();
        world.take_descriptor()?;
        let node = world.find(path)?;
        match world.nodes[node] {
            Node::File { .. } => Ok(DiskFile { disk: self.clone(), node, writable: false }),
            Node::Dir { .. } => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.call()?;
        world.create(path, Node::dir()).map(drop)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.call()?;
        let (above, from) = world.place(from)?;
        let (same, to) = world.place(to)?;
        if above != same {
            return Err(io::ErrorKind::CrossesDevices.into());
        }
        let Some(&node) = world.names(above)?.get(&from) else { return Err(io::ErrorKind::NotFound.into()) };
        match world.names(above)?.get(&to).map(|&replaced| (&world.nodes[replaced], &world.nodes[node])) {
            None | Some((Node::File { .. }, Node::File { .. })) => {}
            Some((Node::Dir { names, .. }, Node::Dir { .. })) if names.is_empty() => {}
            Some(_) => return Err(io::ErrorKind::DirectoryNotEmpty.into()),
        }
        world.change(above, NameChange::Rename(from, to));
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.call()?;
        let node = world.find(path)?;
        if matches!(world.nodes[node], Node::Dir { .. }) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let (above, name) = world.place(path)?;
        world.change(above, NameChange::Unlink(name));
        Ok(())
    }

    fn open_dir(&self, path: &Path) -> io::Result<DiskDirectory> {
        let mut world = self.world();
        world.take_descriptor()?;
        let node = world.find(path)?;
        world.names(node)?;
        Ok(DiskDirectory { disk: self.clone(), node })
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.open_dir(path)?.sync()
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut world = self.world();
        world.take_descriptor()?;
        let node = world.find(path)?;
        world.names(node).map(|names| names.keys().cloned().collect())
    }

    fn is_dir(&self, path: &Path) -> io::Result<bool> {
        let world = self.world();
        match world.find(path) {
            Ok(node) => Ok(matches!(world.nodes[node], Node::Dir { .. })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn free_bytes(&self, _directory: &Path) -> io::Result<u64> {
        Ok(self.world().room.unwrap_or(u64::MAX))
    }

    fn lock(&self, path: &Path) -> io::Result<Option<DiskLock>> {
        let mut world = self.world();
        world.take_descriptor()?;
        let node = match world.find(path) {
            Ok(node) => node,
            Err(_) => {
                world.call()?;
                world.create(path, Node::file())?
            }
        };
        match &mut world.nodes[node] {
            Node::File { locked, .. } if !*locked => {
                *locked = true;
                Ok(Some(DiskLock { disk: self.clone(), node }))
            }
            _ => Ok(None),
        }
    }
}

impl Drop for DiskLock {
    fn drop(&mut self) {
        if let Node::File { locked, .. } = &mut self.disk.world().nodes[self.node] {
            *locked = false;
        }
    }
}

impl StoredDirectory for DiskDirectory {
    fn sync(&mut self) -> io::Result<()> {
        let mut world = self.disk.world();
        world.call()?;
        if let Node::Dir { names, durable, pending } = &mut world.nodes[self.node] {
            *durable = names.clone();
            pending.clear();
        }
        Ok(())
    }
}

impl StoredFile for DiskFile {
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let world = self.disk.world();
        let Node::File { content, .. } = &world.nodes[self.node] else { return Err(io::ErrorKind::IsADirectory.into()) };
        let rest = usize::try_from(offset).ok().and_then(|offset| content.get(offset..)).unwrap_or_default();
        let read = rest.len().min(bytes.len());
        bytes[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.change(Write::At(offset, bytes.to_vec()))
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.change(Write::Cut(bytes))
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut world = self.disk.world();
        world.call()?;
        if let Node::File { content, durable, pending, .. } = &mut world.nodes[self.node] {
            *durable = content.clone();
            pending.clear();
        }
        Ok(())
    }

    fn bytes(&self) -> io::Result<u64> {
        match &self.disk.world().nodes[self.node] {
            Node::File { content, .. } => Ok(content.len() as u64),
            Node::Dir { .. } => Err(io::ErrorKind::IsADirectory.into()),
        }
    }
}

impl DiskFile {
    fn change(&mut self, mut write: Write) -> io::Result<()> {
        if !self.writable {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let mut world = self.disk.world();
        let result = world.call();
        if let Err(error) = &result {
            match &mut write {
                Write::At(_, bytes) if error.kind() == io::ErrorKind::WriteZero => bytes.truncate(bytes.len() / 2),
                _ => return result,
            }
        }
        let room = world.room;
        let mut result = result;
        if let Node::File { content, pending, .. } = &mut world.nodes[self.node] {
            let before = content.len() as u64;
            if let (Some(room), Write::At(offset, bytes)) = (room, &mut write)
                && *offset + bytes.len() as u64 > before + room
            {
                bytes.truncate((before + room).saturating_sub(*offset) as usize);
                result = Err(io::ErrorKind::StorageFull.into());
            }
            write.apply(content);
            pending.push(write);
            let after = content.len() as u64;
            world.room = room.map(|room| (room + before).saturating_sub(after));
        }
        result
    }
}

impl World {
    /// Counts a call, and fails if it is the one that is to fail. A write that is to be cut short fails by `WriteZero`.
    fn call(&mut self) -> io::Result<()> {
        let call = self.calls;
        self.calls += 1;
        match self.fault {
            Some((at, Fault::Fails)) if call == at => Err(io::Error::other("simulated failure")),
            Some((at, Fault::Short | Fault::Stops)) if call == at => Err(io::ErrorKind::WriteZero.into()),
            Some((at, Fault::Stops)) if call > at => Err(io::Error::other("simulated power failure")),
            _ => Ok(()),
        }
    }

    /// Counts a call that needs a descriptor, and fails if there is none.
    fn take_descriptor(&mut self) -> io::Result<()> {
        self.opens += 1;
        match self.none_left.contains(&(self.opens - 1)) {
            true => Err(out_of_descriptors()),
            false => Ok(()),
        }
    }

    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn create(&mut self, path: &Path, node: Node) -> io::Result<usize> {
        let (above, name) = self.place(path)?;
        if self.names(above)?.contains_key(&name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let node = self.add(node);
        self.change(above, NameChange::Link(name, node));
        Ok(node)
    }

    fn change(&mut self, above: usize, change: NameChange) {
        if let Node::Dir { names, pending, .. } = &mut self.nodes[above] {
            change.clone().apply(names);
            pending.push(change);
        }
    }

    fn names(&self, node: usize) -> io::Result<&BTreeMap<String, usize>> {
        match &self.nodes[node] {
            Node::Dir { names, .. } => Ok(names),
            Node::File { .. } => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        path.components().try_fold(0, |node, component| match component {
            Component::Normal(name) => {
                let found = name.to_str().and_then(|name| self.names(node).ok()?.get(name).copied());
                found.ok_or_else(|| io::ErrorKind::NotFound.into())
            }
            _ => Ok(node),
        })
    }

    fn place(&self, path: &Path) -> io::Result<(usize, String)> {
        let name = path.file_name().and_then(|name| name.to_str()).ok_or(io::ErrorKind::InvalidInput)?;
        Ok((self.find(&path.parent().map(PathBuf::from).unwrap_or_default())?, name.to_owned()))
    }
}

impl Node {
    fn dir() -> Self {
        Self::Dir { names: BTreeMap::new(), durable: BTreeMap::new(), pending: Vec::new() }
    }

    fn file() -> Self {
        Self::File { content: Vec::new(), durable: Vec::new(), pending: Vec::new(), locked: false }
    }
}

impl NameChange {
    fn apply(self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Link(name, node) => {
                names.insert(name, node);
            }
            Self::Rename(from, to) => {
                if let Some(node) = names.remove(&from) {
                    names.insert(to, node);
                }
            }
            Self::Unlink(name) => {
                names.remove(&name);
            }
        }
    }
}

impl Write {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::At(offset, bytes) => put(content, *offset as usize, bytes),
            Self::Cut(bytes) => content.truncate(*bytes as usize),
        }
    }

    /// All, nothing, a first part, or a last part with zeros before it where the file was shorter.
    fn apply_in_part(&self, content: &mut Vec<u8>, chance: &mut Chance) {
        match (self, chance.up_to(3)) {
            (_, 0) => {}
            (Self::At(offset, bytes), 1) => put(content, *offset as usize, &bytes[..chance.up_to(bytes.len())]),
            (Self::At(offset, bytes), 2) => {
                let from = chance.up_to(bytes.len());
                put(content, *offset as usize + from, &bytes[from..]);
            }
            _ => self.apply(content),
        }
    }
}

fn out_of_descriptors() -> io::Error {
    #[cfg(unix)]
    return rustix::io::Errno::MFILE.into();
    #[cfg(not(unix))]
    io::ErrorKind::OutOfMemory.into()
}

fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if !bytes.is_empty() && content.len() < end {
        content.resize(end, 0);
    }
    if !bytes.is_empty() {
        content[offset..end].copy_from_slice(bytes);
    }
}

/// Numbers that look random and follow from the first: xorshift64* (Vigna 2016).
struct Chance(u64);

impl Chance {
    fn up_to(&mut self, most: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % (most + 1)
    }
}
