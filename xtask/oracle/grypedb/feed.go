package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// folder holds the feeds.
type folder string

// The corpus is packed with a window of 128 MiB, and one line is a document.
const (
	maxWindow = 128 << 20
	maxLine   = 64 << 20
)

// opened has the files of the feed that is being read.
var opened []string

func open(path string) (io.ReadCloser, error) {
	opened = append(opened, path)
	file, err := os.Open(path)
	if err != nil || !strings.HasSuffix(path, ".zst") {
		return file, err
	}
	decoder, err := zstd.NewReader(file, zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return decoder.IOReadCloser(), nil
}

// lines reads a feed of a document a line.
func lines(each func(line []byte, out sink) error) func(folder, string, sink) error {
	return func(_ folder, path string, out sink) error {
		file, err := open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		scanner := bufio.NewScanner(file)
		scanner.Buffer(nil, maxLine)
		for scanner.Scan() {
			if err := each(scanner.Bytes(), out); err != nil {
				return err
			}
		}
		return scanner.Err()
	}
}

// whole reads a feed that is one document.
func whole(path string, into any) error {
	file, err := open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return json.NewDecoder(file).Decode(into)
}

func readNVD(line []byte, out sink) error {
	return out(kindNVD, json.RawMessage(line))
}

func readNVDPage(_ folder, path string, out sink) error {
	var page struct {
		Vulnerabilities []json.RawMessage `json:"vulnerabilities"`
	}
	if err := whole(path, &page); err != nil {
		return err
	}
	for _, one := range page.Vulnerabilities {
		if err := out(kindNVD, one); err != nil {
			return err
		}
	}
	return nil
}

func readKEV(_ folder, path string, out sink) error {
	var catalog struct {
		Vulnerabilities []json.RawMessage `json:"vulnerabilities"`
	}
	if err := whole(path, &catalog); err != nil {
		return err
	}
	for _, one := range catalog.Vulnerabilities {
		if err := out(kindKEV, one); err != nil {
			return err
		}
	}
	return nil
}

// The first line has the day, the second the names of the columns.
func readEPSS(_ folder, path string, out sink) error {
	file, err := open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	text := bufio.NewReader(file)
	first, err := text.ReadString('\n')
	if err != nil {
		return err
	}
	_, day, _ := strings.Cut(first, "score_date:")
	day, _, _ = strings.Cut(strings.TrimSpace(day), "T")
	rows, err := csv.NewReader(text).ReadAll()
	if err != nil || len(rows) == 0 {
		return err
	}
	for _, row := range rows[1:] {
		score, scoreErr := strconv.ParseFloat(row[1], 64)
		percentile, percentileErr := strconv.ParseFloat(row[2], 64)
		if err := errors.Join(scoreErr, percentileErr); err != nil {
			return err
		}
		err := out(kindEPSS, map[string]any{"cve": row[0], "epss": score, "percentile": percentile, "date": day})
		if err != nil {
			return err
		}
	}
	return nil
}
