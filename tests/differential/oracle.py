"""Draws programs and answers them with TensorFlow: a line of JSON in, a line out.

{"draw": seed} or {"program"} -> {"program"}, then {"answer"}
"""
import json
import sys

from answer import answer
from draw import draw


def main():
    for line in sys.stdin:
        asked = json.loads(line)
        program = draw(asked["draw"]) if "draw" in asked else asked["program"]
        # First the program alone: TensorFlow may die of it.
        print(json.dumps({"program": program}), flush=True)
        print(json.dumps({"answer": answer(program)}), flush=True)


if __name__ == "__main__":
    main()
