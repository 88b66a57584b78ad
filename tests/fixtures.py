"""What the tests of Carnet itself start from: apps, databases, people, clients."""
