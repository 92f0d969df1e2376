"""Prints the rows of TokenizerTests: tokenizer_ids.py weights/emoji/tokenizer < texts.json (a list of strings).

Needs transformers 5.23."""
import json
import sys

from transformers import CLIPTokenizer

tokenizer = CLIPTokenizer.from_pretrained(sys.argv[1])
for text in json.load(sys.stdin):
    ids = tokenizer(text)["input_ids"][1:-1]
    literal = "".join(
        c if " " <= c <= "~" and c not in '"\\' else "\\u{%x}" % ord(c) for c in text)
    print('("%s", [%s]),' % (literal, ", ".join(map(str, ids))))
