"""BibTeX entries of the methods in this package."""

ATTENTION_ROLLOUT = """@inproceedings{abnar2020quantifying,
  title = {Quantifying Attention Flow in Transformers},
  author = {Abnar, Samira and Zuidema, Willem},
  booktitle = {Proceedings of the 58th Annual Meeting of the Association for Computational Linguistics},
  pages = {4190--4197},
  year = {2020},
  doi = {10.18653/v1/2020.acl-main.385},
  eprint = {2005.00928},
  archiveprefix = {arXiv}
}"""

RAW_ATTENTION = """@inproceedings{vaswani2017attention,
  title = {Attention is All you Need},
  author = {Vaswani, Ashish and Shazeer, Noam and Parmar, Niki and Uszkoreit, Jakob and Jones, Llion and Gomez, Aidan N. and
            Kaiser, {\\L}ukasz and Polosukhin, Illia},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {30},
  year = {2017},
  eprint = {1706.03762},
  archiveprefix = {arXiv}
}"""

GENERIC_ATTENTION = """@inproceedings{chefer2021generic,
  title = {Generic Attention-Model Explainability for Interpreting Bi-Modal and Encoder-Decoder Transformers},
  author = {Chefer, Hila and Gur, Shir and Wolf, Lior},
  booktitle = {Proceedings of the IEEE/CVF International Conference on Computer Vision (ICCV)},
  pages = {397--406},
  year = {2021},
  eprint = {2103.15679},
  archiveprefix = {arXiv}
}"""

TRANSFORMER_ATTRIBUTION = """@inproceedings{chefer2021transformer,
  title = {Transformer Interpretability Beyond Attention Visualization},
  author = {Chefer, Hila and Gur, Shir and Wolf, Lior},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages = {782--791},
  year = {2021},
  eprint = {2012.09838},
  archiveprefix = {arXiv}
}"""

ATTN_LRP = """@inproceedings{achtibat2024attnlrp,
  title = {{AttnLRP}: Attention-Aware Layer-Wise Relevance Propagation for Transformers},
  author = {Achtibat, Reduan and Hatefi, Sayed Mohammad Vakilzadeh and Dreyer, Maximilian and Jain, Aakriti and Wiegand, Thomas and
            Lapuschkin, Sebastian and Samek, Wojciech},
  booktitle = {Proceedings of the 41st International Conference on Machine Learning},
  series = {Proceedings of Machine Learning Research},
  volume = {235},
  pages = {135--168},
  year = {2024},
  eprint = {2402.05602},
  archiveprefix = {arXiv}
}"""

LE_GRAD = """@inproceedings{bousselham2025legrad,
  title = {{LeGrad}: An Explainability Method for Vision Transformers via Feature Formation Sensitivity},
  author = {Bousselham, Walid and Boggust, Angie and Chaybouti, Sofian and Strobelt, Hendrik and Kuehne, Hilde},
  booktitle = {Proceedings of the IEEE/CVF International Conference on Computer Vision (ICCV)},
  pages = {20336--20345},
  year = {2025},
  eprint = {2404.03214},
  archiveprefix = {arXiv}
}"""

TRANSITION_ATTENTION = """@inproceedings{yuan2021explaining,
  title = {Explaining Information Flow Inside Vision Transformers Using {Markov} Chain},
  author = {Yuan, Tingyi and Li, Xuhong and Xiong, Haoyi and Cao, Hui and Dou, Dejing},
  booktitle = {eXplainable AI approaches for debugging and diagnosis (Workshop at NeurIPS)},
  year = {2021},
  url = {https://openreview.net/forum?id=TT-cf6QSDaQ}
}"""

BEYOND_INTUITION = """@article{chen2023beyond,
  title = {Beyond Intuition: Rethinking Token Attributions inside Transformers},
  author = {Chen, Jiamin and Li, Xuhong and Yu, Lei and Dou, Dejing and Xiong, Haoyi},
  journal = {Transactions on Machine Learning Research},
  year = {2023},
  url = {https://openreview.net/forum?id=rm0zIzlhcX}
}"""

VIT_CX = """@inproceedings{xie2023vitcx,
  title = {{ViT-CX}: Causal Explanation of Vision Transformers},
  author = {Xie, Weiyan and Li, Xiao-Hui and Cao, Caleb Chen and Zhang, Nevin L.},
  booktitle = {Proceedings of the Thirty-Second International Joint Conference on Artificial Intelligence (IJCAI)},
  pages = {1569--1577},
  year = {2023},
  doi = {10.24963/ijcai.2023/174},
  eprint = {2211.03064},
  archiveprefix = {arXiv}
}"""
