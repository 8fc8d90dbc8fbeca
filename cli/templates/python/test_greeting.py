import json
import unittest

from greeting import answer


class Greeting(unittest.TestCase):
    def test_greets(self):
        status, content = answer("/?name=mik")
        self.assertEqual(status, 200)
        self.assertEqual(json.loads(content), {"message": "Hello from mik!", "version": "0.1.0"})

    def test_knows_nothing_else(self):
        self.assertEqual(answer("/else")[0], 404)
