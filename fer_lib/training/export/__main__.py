"""`python -m fer_lib.training.export`: write a network as an ONNX file with its model card."""

from fer_lib.training.export.mtcnn import main

if __name__ == "__main__":
    main()
