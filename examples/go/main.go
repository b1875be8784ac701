// SPDX-License-Identifier: Apache-2.0

// Backup keeps the files of a folder in a store, with their older versions.
//
//	backup STORE save FOLDER     stores every file that changed since, and deletes what is gone, as one atomic change
//	backup STORE list            what is stored, with sizes
//	backup STORE restore FOLDER  writes all of it to an empty or new folder
//
// The part below "the binding" is all that cgo needs: an error type, a writer and a reader that fit io.Copy. Build:
//
//	go build          (cgo asks pkg-config for jzse)
package main

/*
#cgo pkg-config: jzse
#include <stdlib.h>
#include <jzse/jzse.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"unsafe"
)

// ---- the binding

// Error is what a call of jzse.h reported. It matches fs.ErrNotExist and fs.ErrExist with errors.Is.
type Error struct {
	Code    int
	Message string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s (%s)", e.Message, C.GoString(C.jzse_code_name(C.int(e.Code))))
}

func (e *Error) Is(target error) bool {
	return target == fs.ErrNotExist && e.Code == C.JZSE_NOT_FOUND || target == fs.ErrExist && e.Code == C.JZSE_EXISTS
}

// call makes one call with an error to fill. The struct lives in Go memory for the length of the call only, which cgo
// allows; it holds no pointer.
func call(do func(failure *C.jzse_error) C.int) error {
	var failure C.jzse_error
	failure.struct_size = C.uint32_t(unsafe.Sizeof(failure))
	if code := do(&failure); code != C.JZSE_OK {
		return &Error{int(code), C.GoString(&failure.message[0])}
	}
	return nil
}

// names is a namespace and a path as C strings. Release them with free.
type names struct{ ns, path *C.char }

func cNames(path string) names { return names{C.CString("default"), C.CString(path)} }
func (n names) free()          { C.free(unsafe.Pointer(n.ns)); C.free(unsafe.Pointer(n.path)) }

// Store is an open store. All its calls may be made by many goroutines at once.
type Store struct{ handle *C.jzse_store }

func Open(folder string) (*Store, error) {
	path := C.CString(folder)
	defer C.free(unsafe.Pointer(path))
	var options C.jzse_options
	options.struct_size = C.uint32_t(unsafe.Sizeof(options))
	options.flags = C.JZSE_OPEN_CREATE
	store := &Store{}
	err := call(func(e *C.jzse_error) C.int { return C.jzse_store_open(path, &options, &store.handle, e) })
	if err != nil {
		return nil, err
	}
	return store, nil
}

func (s *Store) Close() error {
	return call(func(e *C.jzse_error) C.int { return C.jzse_store_close(s.handle, e) })
}

// FileInfo is what the store says of one file.
type FileInfo struct {
	Path    string
	Size    int64
	MtimeNs int64
	Mode    fs.FileMode
	IsFile  bool
}

func infoOf(path string, info *C.jzse_file_info) FileInfo {
	return FileInfo{path, int64(info.size), int64(info.mtime_ns), fs.FileMode(info.mode), info.kind == C.JZSE_KIND_FILE}
}

func (s *Store) Stat(path string) (FileInfo, error) {
	n := cNames(path)
	defer n.free()
	var info C.jzse_file_info
	info.struct_size = C.uint32_t(unsafe.Sizeof(info))
	err := call(func(e *C.jzse_error) C.int { return C.jzse_stat(s.handle, n.ns, n.path, nil, &info, e) })
	return infoOf(path, &info), err
}

// List calls each for every entry, in order of the path, as of one moment.
func (s *Store) List(each func(FileInfo) error) error {
	n := cNames("")
	defer n.free()
	var list *C.jzse_list
	if err := call(func(e *C.jzse_error) C.int { return C.jzse_list_open(s.handle, n.ns, nil, &list, e) }); err != nil {
		return err
	}
	defer C.jzse_list_close(list)
	for {
		var entry *C.jzse_list_entry
		if err := call(func(e *C.jzse_error) C.int { return C.jzse_list_next(list, &entry, e) }); err != nil || entry == nil {
			return err
		}
		if err := each(infoOf(C.GoString(entry.path), &entry.info)); err != nil {
			return err
		}
	}
}

// Writer is an io.Writer for one file's content; nothing of it is visible before its group commits.
type Writer struct{ handle *C.jzse_writer }

func (s *Store) NewWriter(path string, mtimeNs int64, mode fs.FileMode) (*Writer, error) {
	n := cNames(path)
	defer n.free()
	var options C.jzse_put_options
	options.struct_size = C.uint32_t(unsafe.Sizeof(options))
	options.mtime_ns = C.int64_t(mtimeNs)
	options.mode = C.uint32_t(mode.Perm())
	writer := &Writer{}
	err := call(func(e *C.jzse_error) C.int {
		return C.jzse_writer_open(s.handle, n.ns, n.path, &options, &writer.handle, e)
	})
	return writer, err
}

func (w *Writer) Write(bytes []byte) (int, error) {
	if len(bytes) == 0 {
		return 0, nil
	}
	err := call(func(e *C.jzse_error) C.int {
		return C.jzse_writer_write(w.handle, unsafe.Pointer(&bytes[0]), C.size_t(len(bytes)), e)
	})
	if err != nil {
		return 0, err
	}
	return len(bytes), nil
}

// Abort gives up what was not added to a group.
func (w *Writer) Abort() { C.jzse_writer_abort(w.handle); w.handle = nil }

// Group is a set of changes that happen together or not at all.
type Group struct{ handle *C.jzse_group }

func (s *Store) Begin() (*Group, error) {
	group := &Group{}
	err := call(func(e *C.jzse_error) C.int { return C.jzse_group_begin(s.handle, &group.handle, e) })
	return group, err
}

func (g *Group) Add(w *Writer) error {
	handle := w.handle
	w.handle = nil // taken over, whatever the answer
	return call(func(e *C.jzse_error) C.int { return C.jzse_group_add_writer(g.handle, handle, e) })
}

func (g *Group) Delete(path string) error {
	n := cNames(path)
	defer n.free()
	return call(func(e *C.jzse_error) C.int { return C.jzse_group_delete(g.handle, n.ns, n.path, nil, e) })
}

func (g *Group) Commit() error {
	handle := g.handle
	g.handle = nil
	return call(func(e *C.jzse_error) C.int { return C.jzse_group_commit(handle, e) })
}

// Abort does nothing after Commit.
func (g *Group) Abort() { C.jzse_group_abort(g.handle); g.handle = nil }

// Reader is an io.ReadCloser over one version of one file.
type Reader struct{ handle *C.jzse_reader }

func (s *Store) NewReader(path string) (*Reader, error) {
	n := cNames(path)
	defer n.free()
	reader := &Reader{}
	err := call(func(e *C.jzse_error) C.int {
		return C.jzse_reader_open(s.handle, n.ns, n.path, nil, &reader.handle, nil, e)
	})
	return reader, err
}

func (r *Reader) Read(bytes []byte) (int, error) {
	if len(bytes) == 0 {
		return 0, nil
	}
	var count C.size_t
	err := call(func(e *C.jzse_error) C.int {
		return C.jzse_reader_read(r.handle, unsafe.Pointer(&bytes[0]), C.size_t(len(bytes)), &count, e)
	})
	if err == nil && count == 0 {
		err = io.EOF
	}
	return int(count), err
}

func (r *Reader) Close() error { C.jzse_reader_close(r.handle); return nil }

// ---- the program

// addFile streams one file of the folder into the group.
func addFile(store *Store, group *Group, from, path string, info fs.FileInfo) error {
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	defer file.Close()
	writer, err := store.NewWriter(path, info.ModTime().UnixNano(), info.Mode())
	if err != nil {
		return err
	}
	defer writer.Abort()
	if _, err := io.Copy(writer, file); err != nil {
		return err
	}
	return group.Add(writer)
}

func save(store *Store, folder string) error {
	group, err := store.Begin()
	if err != nil {
		return err
	}
	defer group.Abort()
	present := map[string]bool{}
	stored, deleted := 0, 0
	err = filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		relative, err := filepath.Rel(folder, name)
		if err != nil {
			return err
		}
		path := filepath.ToSlash(relative)
		info, err := entry.Info()
		if err != nil {
			return err
		}
		present[path] = true
		known, err := store.Stat(path)
		if err == nil && known.Size == info.Size() && known.MtimeNs == info.ModTime().UnixNano() {
			return nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		stored++
		return addFile(store, group, name, path, info)
	})
	if err != nil {
		return err
	}
	err = store.List(func(info FileInfo) error {
		if present[info.Path] {
			return nil
		}
		deleted++
		return group.Delete(info.Path)
	})
	if err != nil {
		return err
	}
	if err := group.Commit(); err != nil {
		return err
	}
	fmt.Printf("%d stored, %d deleted, %d as they were\n", stored, deleted, len(present)-stored)
	return nil
}

func list(store *Store) error {
	return store.List(func(info FileInfo) error {
		_, err := fmt.Printf("%12d %s\n", info.Size, info.Path)
		return err
	})
}

func restore(store *Store, folder string) error {
	return store.List(func(info FileInfo) error {
		if !info.IsFile {
			return nil
		}
		name := filepath.Join(folder, filepath.FromSlash(info.Path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode.Perm())
		if err != nil {
			return err
		}
		reader, err := store.NewReader(info.Path)
		if err != nil {
			return errors.Join(err, file.Close())
		}
		_, err = io.Copy(file, reader)
		return errors.Join(err, reader.Close(), file.Close())
	})
}

func run(arguments []string) (err error) {
	if len(arguments) < 2 {
		return errors.New("usage: backup STORE save FOLDER | list | restore FOLDER")
	}
	store, err := Open(arguments[0])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	switch command := arguments[1]; {
	case command == "save" && len(arguments) == 3:
		return save(store, arguments[2])
	case command == "list" && len(arguments) == 2:
		return list(store)
	case command == "restore" && len(arguments) == 3:
		return restore(store, arguments[2])
	default:
		return fmt.Errorf("%s: no such command, or another number of arguments", command)
	}
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "backup:", err)
		os.Exit(1)
	}
}
