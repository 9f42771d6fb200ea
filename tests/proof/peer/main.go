// The other side of a log: opens our notes and checks our tiles and proofs with Go's own reference
// (golang.org/x/mod/sumdb/note and tlog, the checksum database's), and makes notes and trees for us to accept.
//
// One command per run, JSON in and out: open, sign, check, make.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// c2sp.org/tlog-tiles: tiles of 2**8 hashes.
const height = 8

type job struct {
	Note    string     // open: a signed note; sign: its text
	Keys    []string   // open: verifier keys; sign: signer keys
	Folder  string     // check: where tiles lie
	Size    int64      // check, make: leaves of the tree
	Root    []byte     // check: root of the tree
	Records [][]byte   // make: what the leaves hold
	Leaves  [][]byte   // check: hashes of the leaves
	Indices []int64    // leaves that are proved
	Firsts  []int64    // earlier sizes that are proved
	Roots   [][]byte   // check: the roots of Firsts
	Proofs  [][][]byte // check: our proofs of Indices
	Longer  [][][]byte // check: our proofs of Firsts
}

type outcome struct {
	Note   string
	By     []string
	Root   []byte
	Tiles  map[string][]byte
	Proofs [][][]byte
	Longer [][][]byte
}

// folder reads tiles as we write them: Go's paths name the height too.
type folder string

func (folder) Height() int { return height }

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(filepath.Join(string(f), ourPath(tile)))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (folder) SaveTiles([]tlog.Tile, [][]byte) {}

func ourPath(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
}

func hash(data []byte) (made tlog.Hash) {
	copy(made[:], data)
	return made
}

func hashes(data [][]byte) []tlog.Hash {
	made := []tlog.Hash{}
	for _, one := range data {
		made = append(made, hash(one))
	}
	return made
}

func plain(data []tlog.Hash) [][]byte {
	made := [][]byte{}
	for _, one := range data {
		made = append(made, append([]byte{}, one[:]...))
	}
	return made
}

func open(asked job) (made outcome, err error) {
	var verifiers []note.Verifier
	for _, key := range asked.Keys {
		verifier, err := note.NewVerifier(key)
		if err != nil {
			return made, err
		}
		verifiers = append(verifiers, verifier)
	}
	opened, err := note.Open([]byte(asked.Note), note.VerifierList(verifiers...))
	if err != nil {
		return made, err
	}
	made.Note = opened.Text
	for _, one := range opened.Sigs {
		made.By = append(made.By, one.Name)
	}
	return made, nil
}

func sign(asked job) (made outcome, err error) {
	var signers []note.Signer
	for _, key := range asked.Keys {
		signer, err := note.NewSigner(key)
		if err != nil {
			return made, err
		}
		signers = append(signers, signer)
	}
	signed, err := note.Sign(&note.Note{Text: asked.Note}, signers...)
	made.Note = string(signed)
	return made, err
}

// check believes only the root: the tiles are authenticated by it, and every proof is made again and compared.
func check(asked job) (made outcome, err error) {
	tree := tlog.Tree{N: asked.Size, Hash: hash(asked.Root)}
	reader := tlog.TileHashReader(tree, folder(asked.Folder))
	var places []int64
	for index := range asked.Leaves {
		places = append(places, tlog.StoredHashIndex(0, int64(index)))
	}
	found, err := reader.ReadHashes(places)
	if err != nil {
		return made, err
	}
	for index, leaf := range asked.Leaves {
		if found[index] != hash(leaf) {
			return made, fmt.Errorf("leaf %d is another", index)
		}
	}
	for nth, index := range asked.Indices {
		proof := tlog.RecordProof(hashes(asked.Proofs[nth]))
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, hash(asked.Leaves[index])); err != nil {
			return made, err
		}
	}
	for nth, first := range asked.Firsts {
		proof := tlog.TreeProof(hashes(asked.Longer[nth]))
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, first, hash(asked.Roots[nth])); err != nil {
			return made, err
		}
	}
	return made, prove(asked, reader, &made)
}

func build(asked job) (made outcome, err error) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indices []int64) ([]tlog.Hash, error) {
		found := []tlog.Hash{}
		for _, index := range indices {
			found = append(found, stored[index])
		}
		return found, nil
	})
	for nth, record := range asked.Records {
		more, err := tlog.StoredHashes(int64(nth), record, reader)
		if err != nil {
			return made, err
		}
		stored = append(stored, more...)
	}
	root, err := tlog.TreeHash(asked.Size, reader)
	if err != nil {
		return made, err
	}
	made.Root, made.Tiles = root[:], map[string][]byte{}
	for _, tile := range tlog.NewTiles(height, 0, asked.Size) {
		data, err := tlog.ReadTileData(tile, reader)
		if err != nil {
			return made, err
		}
		made.Tiles[ourPath(tile)] = data
	}
	return made, prove(asked, reader, &made)
}

func prove(asked job, reader tlog.HashReader, made *outcome) error {
	for _, index := range asked.Indices {
		proof, err := tlog.ProveRecord(asked.Size, index, reader)
		if err != nil {
			return err
		}
		made.Proofs = append(made.Proofs, plain(proof))
	}
	for _, first := range asked.Firsts {
		proof, err := tlog.ProveTree(asked.Size, first, reader)
		if err != nil {
			return err
		}
		made.Longer = append(made.Longer, plain(proof))
	}
	return nil
}

func run(name string) error {
	commands := map[string]func(job) (outcome, error){"open": open, "sign": sign, "check": check, "make": build}
	command, known := commands[name]
	if !known {
		return errors.New("open, sign, check or make")
	}
	var asked job
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return err
	}
	made, err := command(asked)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(made)
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
